/** What the drawer sends: only what was typed or changed. */
import type { Camera, CameraChange, NewCamera, ProbeAsk } from '../../client/types';

export interface CameraForm {
  code: string;
  name: string;
  url: string;
  subUrl: string;
  user: string;
  password: string;
}

export const EMPTY: CameraForm = { code: '', name: '', url: '', subUrl: '', user: '', password: '' };

export type FormField = keyof CameraForm;

export function formOf(camera: Camera): CameraForm {
  const url = (name: string) => camera.streams.find((s) => s.name === name)?.url ?? '';
  return { ...EMPTY, code: camera.code, name: camera.name, url: url('main'), subUrl: url('sub') };
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

export function isAddress(text: string): boolean {
  return /^rtsps?:\/\/[^\s/]+/i.test(text.trim());
}

function credentials(form: CameraForm): { user?: string; password?: string } {
  return {
    ...(form.user === '' ? {} : { user: form.user }),
    ...(form.password === '' ? {} : { password: form.password }),
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
  };
}

export function asProbe(form: CameraForm): ProbeAsk {
  return { url: form.url.trim(), ...credentials(form) };
}
