/** Questions that more than one page asks, with their keys in one place. */
import { queryOptions, useQuery } from '@tanstack/react-query';
import { Problem } from './problem';
import { rememberCsrf, requestJson } from './request';
import type { Camera, Day, Node, Permission, PlayedName, RetentionClass, Session, Volume } from './types';

export const keys = {
  session: ['session'] as const,
  node: ['node'] as const,
  cameras: ['cameras'] as const,
  volumes: ['volumes'] as const,
  classes: ['classes'] as const,
  days: (code: string, stream: string) => ['days', code, stream] as const,
  day: (code: string, stream: string, date: string) => ['day', code, stream, date] as const,
};

/** Null when nobody is logged in; any other problem is an error. */
async function askSession(signal: AbortSignal): Promise<Session | null> {
  try {
    const session = await requestJson<Session>('/session', { signal });
    rememberCsrf(session.csrf);
    return session;
  } catch (error) {
    if (error instanceof Problem && error.kind === 'unauthenticated') return null;
    throw error;
  }
}

export const sessionQuery = queryOptions<Session | null>({
  queryKey: keys.session,
  queryFn: ({ signal }) => askSession(signal),
  staleTime: 60_000,
});

export interface NodeClock extends Node {
  /** What to add to this browser's clock to get the node's clock. */
  skewMs: number;
}

export const nodeQuery = queryOptions<NodeClock>({
  queryKey: keys.node,
  queryFn: async ({ signal }) => {
    const before = Date.now();
    const node = await requestJson<Node>('/node', { signal });
    return { ...node, skewMs: Date.parse(node.now) - (before + Date.now()) / 2 };
  },
  staleTime: 300_000,
  refetchInterval: 300_000,
});

export const camerasQuery = queryOptions<Camera[]>({
  queryKey: keys.cameras,
  queryFn: ({ signal }) => requestJson<Camera[]>('/cameras', { signal }),
  refetchInterval: 3_000,
});

/** The disks; needs the right to configure. */
export const volumesQuery = queryOptions<Volume[]>({
  queryKey: keys.volumes,
  queryFn: async ({ signal }) => (await requestJson<{ volumes: Volume[] }>('/archive', { signal })).volumes,
  refetchInterval: 10_000,
});

/** The retention classes; needs the right to configure. They change only when the node is started again. */
export const classesQuery = queryOptions<RetentionClass[]>({
  queryKey: keys.classes,
  queryFn: ({ signal }) => requestJson<RetentionClass[]>('/classes', { signal }),
  staleTime: 60_000,
});

export function daysQuery(code: string, stream: PlayedName) {
  return queryOptions<string[]>({
    queryKey: keys.days(code, stream),
    queryFn: async ({ signal }) => {
      const path = `/cameras/${encodeURIComponent(code)}/days?stream=${stream}`;
      return (await requestJson<{ days: string[] }>(path, { signal })).days;
    },
    enabled: code !== '',
    staleTime: 60_000,
  });
}

/** One day; asked again every 5 s while it is still being written. */
export function dayQuery(code: string, stream: PlayedName, date: string, today: boolean) {
  return queryOptions<Day>({
    queryKey: keys.day(code, stream, date),
    queryFn: ({ signal }) =>
      requestJson<Day>(`/cameras/${encodeURIComponent(code)}/days/${date}?stream=${stream}`, { signal }),
    enabled: code !== '' && date !== '',
    refetchInterval: today ? 5_000 : false,
  });
}

export function useMay(): (permission: Permission) => boolean {
  const { data } = useQuery(sessionQuery);
  return (permission) => data?.permissions.includes(permission) ?? false;
}

/** The ward's zone and clock. Until the node has answered: this browser's own. */
export function useNode(): { name: string; zone: string; skewMs: number } {
  const { data } = useQuery(nodeQuery);
  const zone = data?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  return { name: data?.name ?? '', zone, skewMs: data?.skewMs ?? 0 };
}
