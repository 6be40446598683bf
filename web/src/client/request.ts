/** The one way to the node: JSON in, JSON out, errors as Problem, the user's language, and the CSRF value that a
 *  cookie needs on unsafe methods. An aborted request rejects with the signal's own reason. */
import { problemFrom, unreachable } from './problem';

export const API = '/api/v1';

const asking: { language: string; csrf: string } = { language: 'vi', csrf: '' };

export function speak(language: string): void {
  asking.language = language;
}

export function spokenLanguage(): string {
  return asking.language;
}

export function rememberCsrf(value: string): void {
  asking.csrf = value;
}

export interface Ask {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

async function send(path: string, ask: Ask): Promise<Response> {
  const method = ask.method ?? 'GET';
  const headers: Record<string, string> = { 'Accept-Language': asking.language, ...ask.headers };
  if (ask.body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET') headers['X-CSRF-Token'] = asking.csrf;
  let response: Response;
  try {
    response = await fetch(`${API}${path}`, {
      method,
      headers,
      credentials: 'same-origin',
      ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
      ...(ask.signal ? { signal: ask.signal } : {}),
    });
  } catch (error) {
    if (ask.signal?.aborted) throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => null);
  throw problemFrom(response.status, body, response.headers.get('Retry-After'));
}

/** Parsed JSON; undefined for 204. The type is the caller's promise after design/api.md. */
export async function requestJson<T>(path: string, ask: Ask = {}): Promise<T> {
  const response = await send(path, ask);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export async function requestText(path: string, ask: Ask = {}): Promise<string> {
  return (await send(path, ask)).text();
}

/** Asks for the first byte only, so that an error can be shown before a download is started. */
export async function checkReachable(path: string): Promise<void> {
  const response = await send(path, { headers: { Range: 'bytes=0-0' } });
  await response.body?.cancel();
}
