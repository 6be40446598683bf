/** A camera's recording state as mark and word, and the counts of a list. */
import type { TFunction } from 'i18next';
import type { Camera, Converted, RecordingState } from '../../client/types';
import type { Mark } from '../../kit/StateMark';
import { matches } from '../../kit/fold';
import { type Language, codecName, number } from '../../kit/words';

const MARKS: Record<RecordingState, Mark> = {
  recording: 'good',
  standby: 'live',
  connecting: 'busy',
  retrying: 'bad',
  disabled: 'idle',
  unknown: 'unknown',
};

export function markOf(state: RecordingState): Mark {
  return MARKS[state];
}

/** `since` is the ready-made time since when it is so; empty if not known. */
export function wordOf(state: RecordingState, since: string, t: TFunction): string {
  switch (state) {
    case 'recording':
      return t('state.recording');
    case 'standby':
      return t('state.standby');
    case 'connecting':
      return t('state.connecting');
    case 'disabled':
      return t('state.disabled');
    case 'unknown':
      return t('state.unknown');
    case 'retrying':
      return since === '' ? t('state.lost') : t('state.lostSince', { since });
  }
}

/** `udp+tls` -> `UDP, mã hóa` */
export function transportWord(transport: string, t: TFunction): string {
  const [carrier = '', tls] = transport.split('+');
  const name = carrier === 'http' ? t('cameras.transport.http') : carrier.toUpperCase();
  return tls === 'tls' ? t('cameras.encrypted', { transport: name }) : name;
}

/** `chuyển đổi: MJPEG → H.264, 12 % CPU`; what is only repacked costs next to nothing. */
export function convertedWord(done: Converted, language: Language, t: TFunction): string {
  if (!done.encoded) return t('cameras.repacked');
  const [from, to] = [codecName(done.from), codecName(done.to)];
  return t('cameras.converted', { from, to, cpu: number(done.cpu * 100, language) });
}

/** The first eight bytes, as people compare them: `3F:A2:…` */
export function fingerprint(sha256: string): string {
  return (sha256.slice(0, 16).toUpperCase().match(/../g) ?? []).join(':');
}

/** The five groups a technician counts: everything is in exactly one. */
export type Group = 'recording' | 'standby' | 'retrying' | 'waiting' | 'disabled';

export function groupOf(camera: Pick<Camera, 'state'>): Group {
  if (camera.state === 'connecting' || camera.state === 'unknown') return 'waiting';
  return camera.state;
}

export function counts(cameras: readonly Pick<Camera, 'state'>[]): Record<Group, number> {
  const out: Record<Group, number> = { recording: 0, standby: 0, retrying: 0, waiting: 0, disabled: 0 };
  for (const camera of cameras) out[groupOf(camera)] += 1;
  return out;
}

export function found(cameras: readonly Camera[], query: string, group: Group | null): Camera[] {
  return cameras.filter(
    (camera) =>
      (group === null || groupOf(camera) === group) &&
      matches(query, camera.code, camera.name, ...camera.streams.map((s) => s.url)),
  );
}
