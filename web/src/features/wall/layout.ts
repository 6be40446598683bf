/** What a wall shows, as it stands in the address. */

/** Where the last wall is remembered. */
export const WALL_KEY = 'wall';

export const SIZES = [1, 4, 9, 16] as const;
export type Size = (typeof SIZES)[number];

export interface WallSearch {
  tiles?: Size;
  /** Codes, comma separated, in the order of the tiles; without it all enabled cameras. */
  cameras?: string;
  page?: number;
  /** The one camera shown large with its main stream. */
  focus?: string;
}

function asSize(value: unknown): Size | undefined {
  return SIZES.find((size) => size === Number(value));
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function readWall(search: Record<string, unknown>): WallSearch {
  const page = Number(search.page);
  return {
    tiles: asSize(search.tiles),
    cameras: asText(search.cameras),
    page: Number.isInteger(page) && page > 1 ? page : undefined,
    focus: asText(search.focus),
  };
}

/** The smallest wall that holds them all, at most 16. */
export function sizeFor(count: number): Size {
  return SIZES.find((size) => size >= count) ?? 16;
}

export interface Listed {
  code: string;
  enabled: boolean;
}

/** The cameras of a wall in order; a code that does not exist any more is left out. */
export function onWall<C extends Listed>(all: readonly C[], chosen: string | undefined): C[] {
  if (chosen === undefined) return all.filter((camera) => camera.enabled);
  const byCode = new Map(all.map((camera) => [camera.code, camera]));
  return chosen
    .split(',')
    .map((code) => byCode.get(code.trim()))
    .filter((camera): camera is C => camera !== undefined);
}

export interface WallPage<C> {
  page: number;
  pages: number;
  /** Exactly `size` places; null is a calm empty tile. */
  places: (C | null)[];
}

export function pageOf<C>(cameras: readonly C[], size: Size, wantedPage: number): WallPage<C> {
  const pages = Math.max(1, Math.ceil(cameras.length / size));
  const page = Math.min(Math.max(1, wantedPage), pages);
  const shown = cameras.slice((page - 1) * size, page * size);
  return { page, pages, places: Array.from({ length: size }, (_, i) => shown[i] ?? null) };
}
