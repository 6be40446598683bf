/** Everything that changes something on the node. */
import { rememberCsrf, requestJson } from './request';
import type { Camera, CameraChange, NewCamera, Probe, ProbeAsk, Session, PlayedName, Tickets } from './types';

export async function logIn(user: string, password: string): Promise<Session> {
  const session = await requestJson<Session>('/session', { method: 'POST', body: { user, password } });
  rememberCsrf(session.csrf);
  return session;
}

export async function logOut(): Promise<void> {
  await requestJson<undefined>('/session', { method: 'DELETE' });
  rememberCsrf('');
}

export function addCamera(camera: NewCamera): Promise<Camera> {
  return requestJson('/cameras', { method: 'POST', body: camera });
}

export function changeCamera(code: string, change: CameraChange): Promise<Camera> {
  return requestJson(`/cameras/${encodeURIComponent(code)}`, { method: 'PATCH', body: change });
}

export function removeCamera(code: string): Promise<undefined> {
  return requestJson(`/cameras/${encodeURIComponent(code)}`, { method: 'DELETE' });
}

/** The certificate that the camera shows next is the one to trust. */
export function trustCamera(code: string): Promise<undefined> {
  return requestJson(`/cameras/${encodeURIComponent(code)}/trust`, { method: 'POST' });
}

export function probe(ask: ProbeAsk, signal: AbortSignal): Promise<Probe> {
  return requestJson('/cameras/probe', { method: 'POST', body: ask, signal });
}

export function makeTickets(code: string, stream: PlayedName, startMs: number, endMs: number): Promise<Tickets> {
  const body = { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString(), stream };
  return requestJson(`/cameras/${encodeURIComponent(code)}/tickets`, { method: 'POST', body });
}
