/** A tile's state and sentences. */
import type { TFunction } from 'i18next';
import type { Camera } from '../../client/types';
import type { Mark } from '../../kit/StateMark';
import { codecName } from '../../kit/words';
import type { LiveReport } from './live';

export interface Look {
  mark: Mark;
  word: string;
}

/** `since` is the ready-made time since when the camera is away. */
export function lookOf(report: LiveReport, camera: Camera, since: string, t: TFunction): Look {
  if (report.state === 'live') {
    return camera.state === 'recording'
      ? { mark: 'good', word: t('state.recording') }
      : { mark: 'live', word: t('state.liveOnly') };
  }
  if (report.state === 'stalled') return { mark: 'warn', word: t('state.stalled') };
  if (report.state === 'connecting') return { mark: 'busy', word: t('state.connecting') };
  if (report.cause === 'disabled' || report.cause === 'camera_disabled') {
    return { mark: 'idle', word: t('state.disabled') };
  }
  // The camera is well; it is this browser's picture that cannot be made.
  if (report.reason === null || report.shown?.cause) return { mark: 'warn', word: t('state.noPicture') };
  return { mark: 'bad', word: since === '' ? t('state.lost') : t('state.lostSince', { since }) };
}

const OWN = ['codec', 'logged_out', 'forbidden', 'gone', 'media'] as const;

/** What happened and what to do: the node's words, or ours for what only the browser knows. */
export function sayFailure(report: LiveReport, camera: Camera, t: TFunction): { message: string; hint: string } {
  if (report.reason !== null) return { message: report.reason, hint: report.hint ?? '' };
  const own = OWN.find((cause) => cause === report.cause);
  if (own === 'codec') {
    const codec = codecName(camera.streams[0]?.codec ?? 'H.265');
    return { message: t('live.codec', { codec }), hint: t('live.codecHint') };
  }
  if (own !== undefined) return { message: t(`live.${own}`), hint: t(`live.${own}Hint`) };
  return { message: t('problem.unreachable'), hint: t('live.unreachableHint') };
}
