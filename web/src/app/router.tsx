/** The addresses of the pages. Pages are fetched when they are first visited. */
import type { QueryClient } from '@tanstack/react-query';
import {
  Outlet,
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { sessionQuery } from '../client/queries';
import { readDevice } from '../features/device/address';
import { readPlayback } from '../features/playback/address';
import { WALL_KEY, readWall } from '../features/wall/layout';
import { recall } from '../kit/remembered';
import { Shell } from './Shell';
import { Needs, NotFound, Trouble } from './Trouble';
import { LoginFrame } from './LoginFrame';
import { SchemeProvider } from './scheme';

const root = createRootRouteWithContext<{ client: QueryClient }>()({
  component: () => (
    <SchemeProvider>
      <Outlet />
    </SchemeProvider>
  ),
  errorComponent: Trouble,
  notFoundComponent: NotFound,
});

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { next?: string } =>
    typeof search.next === 'string' ? { next: search.next } : {},
  component: LoginFrame,
});

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: async ({ context, location }) => {
    const session = await context.client.query({ ...sessionQuery, staleTime: 'static' });
    if (session === null) throw redirect({ to: '/login', search: { next: location.href } });
  },
  component: Shell,
  errorComponent: Trouble,
});

function lastWall(): Record<string, unknown> {
  try {
    return JSON.parse(recall(WALL_KEY) ?? '{}') as Record<string, unknown>;
  } catch {
    return {};
  }
}

const wall = createRoute({
  getParentRoute: () => inside,
  path: '/',
  validateSearch: readWall,
  beforeLoad: ({ search }) => {
    if (search.tiles !== undefined || search.cameras !== undefined || search.focus !== undefined) return;
    const last = readWall(lastWall());
    if (last.tiles !== undefined || last.cameras !== undefined) throw redirect({ to: '/', search: last });
  },
  component: lazyRouteComponent(() => import('../features/wall/WallPage')),
});

const PlaybackPage = lazyRouteComponent(() => import('../features/playback/PlaybackPage'));
const playback = createRoute({
  getParentRoute: () => inside,
  path: '/playback',
  validateSearch: readPlayback,
  component: () => (
    <Needs right="playback">
      <PlaybackPage />
    </Needs>
  ),
});

const cameras = createRoute({
  getParentRoute: () => inside,
  path: '/cameras',
  component: lazyRouteComponent(() => import('../features/cameras/CamerasPage')),
});

const device = createRoute({
  getParentRoute: () => inside,
  path: '/cameras/$code',
  validateSearch: readDevice,
  component: lazyRouteComponent(() => import('./DevicePlace')),
});

const ReadersPage = lazyRouteComponent(() => import('../features/readers/ReadersPage'));
const readers = createRoute({
  getParentRoute: () => inside,
  path: '/readers',
  component: () => (
    <Needs right="configure">
      <ReadersPage />
    </Needs>
  ),
});

const StoragePage = lazyRouteComponent(() => import('../features/storage/StoragePage'));
const storage = createRoute({
  getParentRoute: () => inside,
  path: '/storage',
  component: () => (
    <Needs right="configure">
      <StoragePage />
    </Needs>
  ),
});

const tree = root.addChildren([login, inside.addChildren([wall, playback, cameras, device, readers, storage])]);

export function makeRouter(client: QueryClient) {
  return createRouter({ routeTree: tree, context: { client }, defaultErrorComponent: Trouble });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
