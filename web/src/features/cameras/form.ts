/** What the drawer sends: only what was typed or changed. */
import type { Camera, CameraChange, NewCamera, ProbeAsk, RecordingMode, Transport } from '../../client/types';

export interface CameraForm {
  code: string;
  name: string;
  url: string;
  subUrl: string;
  user: string;
  password: string;
  retention: string;
  mode: RecordingMode;
  hours: string;
  /** Empty: the node chooses. */
  volume: string;
  transport: Transport;
  /** Its device service; empty: not known. */
  onvif: string;
  onvifEvents: boolean;
}

export const EMPTY: CameraForm = {
  code: '',
  name: '',
  url: '',
  subUrl: '',
  user: '',
  password: '',
  retention: 'standard',
  mode: 'continuous',
  hours: '',
  volume: '',
  transport: 'auto',
  onvif: '',
  onvifEvents: false,
};

/** What is typed, rather than chosen. */
export type FormField = 'code' | 'name' | 'url' | 'subUrl' | 'user' | 'password' | 'hours' | 'onvif';

export function formOf(camera: Camera): CameraForm {
  const url = (name: string) => camera.streams.find((s) => s.name === name)?.url ?? '';
  const { code, name, retention, mode, hours, transport, onvif, onvif_events: onvifEvents } = camera;
  const addresses = { url: url('main'), subUrl: url('sub'), onvif };
  return { ...EMPTY, code, name, ...addresses, retention, mode, hours, volume: camera.volume ?? '', transport, onvifEvents };
}

/** Fields that must be filled in first, or whose address cannot be one. */
export function wrongFields(form: CameraForm): FormField[] {
  const wrong: FormField[] = [];
  if (form.code.trim() === '') wrong.push('code');
  if (form.name.trim() === '') wrong.push('name');
  if (!isAddress(form.url)) wrong.push('url');
  if (form.subUrl.trim() !== '' && !isAddress(form.subUrl)) wrong.push('subUrl');
  return wrong;
}

/** What the node takes in: RTSP, and what its converter makes RTSP of. */
export function isAddress(text: string): boolean {
  return /^(rtsps?|convert\+rtsps?|https?|rtmps?|srt|udp):\/\/[^\s/]+/i.test(text.trim());
}

/** Only RTSP is recorded as it comes; everything else goes through the converter. */
export function isForeign(text: string): boolean {
  return isAddress(text) && !/^rtsps?:/i.test(text.trim());
}

/** The node records such a camera continuously: nothing would tell it when to begin. */
export function isUnheard(form: CameraForm): boolean {
  return form.mode === 'motion' && !(form.onvif.trim() !== '' && form.onvifEvents);
}

function credentials(form: CameraForm): { user?: string; password?: string } {
  return {
    ...(form.user === '' ? {} : { user: form.user }),
    ...(form.password === '' ? {} : { password: form.password }),
  };
}

/** How it is recorded, as far as that differs from `before`. */
function recording(form: CameraForm, before: CameraForm) {
  const hours = form.hours.trim();
  return {
    ...(form.retention === before.retention ? {} : { retention: form.retention }),
    ...(form.mode === before.mode ? {} : { mode: form.mode }),
    ...(hours === before.hours ? {} : { hours }),
    ...(form.volume === before.volume ? {} : { volume: form.volume === '' ? null : form.volume }),
  };
}

/** How it is reached, as far as that differs from `before`. */
function connection(form: CameraForm, before: CameraForm) {
  const onvif = form.onvif.trim();
  return {
    ...(form.transport === before.transport ? {} : { transport: form.transport }),
    ...(onvif === before.onvif ? {} : { onvif }),
    ...(form.onvifEvents === before.onvifEvents ? {} : { onvif_events: form.onvifEvents }),
  };
}

export function asNew(form: CameraForm): NewCamera {
  const sub = form.subUrl.trim();
  return {
    code: form.code.trim(),
    name: form.name.trim(),
    url: form.url.trim(),
    ...(sub === '' ? {} : { sub_url: sub }),
    ...credentials(form),
    ...recording(form, EMPTY),
    ...connection(form, EMPTY),
  };
}

/** Empty credentials mean: keep those that the node has. */
export function asChange(form: CameraForm, camera: Camera): CameraChange {
  const before = formOf(camera);
  const sub = form.subUrl.trim();
  return {
    ...(form.name.trim() === before.name ? {} : { name: form.name.trim() }),
    ...(form.url.trim() === before.url ? {} : { url: form.url.trim() }),
    ...(sub === before.subUrl ? {} : { sub_url: sub === '' ? null : sub }),
    ...credentials(form),
    ...recording(form, before),
    ...connection(form, before),
  };
}

export function asProbe(form: CameraForm): ProbeAsk {
  const transport = form.transport === 'auto' || isForeign(form.url) ? {} : { transport: form.transport };
  return { url: form.url.trim(), ...credentials(form), ...transport };
}
