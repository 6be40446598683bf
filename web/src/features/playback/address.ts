/** What the playback page keeps in the address: camera, time, stream. */
import type { PlayedName } from '../../client/types';
import { instant, localDate, localTime } from '../../kit/zone';

const STREAMS: readonly PlayedName[] = ['auto', 'main', 'sub'];

export interface PlaybackSearch {
  camera?: string;
  /** RFC 3339. */
  at?: string;
  stream?: PlayedName;
  /** A local day; counts only without `at`. */
  date?: string;
}

export function readPlayback(search: Record<string, unknown>): PlaybackSearch {
  const camera = typeof search.camera === 'number' ? String(search.camera) : search.camera;
  const at = typeof search.at === 'string' && !Number.isNaN(Date.parse(search.at)) ? search.at : undefined;
  const date = typeof search.date === 'string' && /^\d{4}-\d\d-\d\d$/.test(search.date) ? search.date : undefined;
  return {
    camera: typeof camera === 'string' && camera !== '' ? camera : undefined,
    at,
    stream: STREAMS.find((name) => name === search.stream),
    date,
  };
}

/** The same time of day on another local day. */
export function onDate(zone: string, ms: number, date: string): number {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  return instant(zone, { ...localTime(zone, ms), year, month, day });
}

const HOUR_MS = 3_600_000;

/** Where the page starts: the wanted moment, or a guess: the wanted day, or one hour back. */
export function startOf(search: PlaybackSearch, zone: string, nowMs: number): { ms: number; guess: boolean } {
  if (search.at !== undefined) return { ms: Date.parse(search.at), guess: false };
  const back = nowMs - HOUR_MS;
  if (search.date === undefined || search.date === localDate(zone, nowMs)) return { ms: back, guess: true };
  return { ms: onDate(zone, back, search.date), guess: true };
}
