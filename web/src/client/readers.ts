/** Other programs that are given cameras by RTSP. */
import { queryOptions } from '@tanstack/react-query';
import { requestJson } from './request';
import type { NewReader, ReaderAsk, Readers } from './types';

export const readersQuery = queryOptions<Readers>({
  queryKey: ['readers'],
  queryFn: ({ signal }) => requestJson<Readers>('/readers', { signal }),
  refetchInterval: 30_000,
});

/** The only answer with the secret. */
export function addReader(ask: ReaderAsk): Promise<NewReader> {
  return requestJson('/readers', { method: 'POST', body: ask });
}

export function removeReader(id: string): Promise<undefined> {
  return requestJson(`/readers/${encodeURIComponent(id)}`, { method: 'DELETE' });
}
