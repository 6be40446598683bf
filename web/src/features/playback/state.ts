/** What the playback page knows about its picture, and how it changes. */
import type { Problem } from '../../client/problem';
import type { Phase } from './archivePlayer';
import type { GapSpan } from './day';
import type { Window } from './view';

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16] as const;

export interface Mark {
  startMs: number;
  /** Null while only its start is marked. */
  endMs: number | null;
}

export interface Missing {
  atMs: number;
  gap: GapSpan | null;
  nextMs: number | null;
}

export interface PlaybackState {
  /** The moment on the screen, or the one that is being fetched. */
  wallMs: number;
  /** A wish that waits until its day is known; `guess` may be moved to where something is recorded. */
  pending: { ms: number; guess: boolean; slackMs: number } | null;
  phase: Phase;
  problem: Problem | null;
  playing: boolean;
  /** The wanted moment has no picture. */
  missing: Missing | null;
  mark: Mark | null;
  /** The picture is a converted copy. */
  converted: boolean;
}

export type PlaybackAction =
  | { type: 'want'; ms: number; guess?: boolean; slackMs?: number }
  | { type: 'landed'; ms: number }
  | { type: 'missing'; missing: Missing }
  | { type: 'time'; ms: number }
  | { type: 'phase'; phase: Phase; problem: Problem | null }
  | { type: 'playing'; playing: boolean }
  | { type: 'converted'; converted: boolean }
  | { type: 'mark'; mark: Mark | null };

export function initialState(ms: number, guess: boolean): PlaybackState {
  return {
    wallMs: ms,
    pending: { ms, guess, slackMs: 0 },
    phase: 'loading',
    problem: null,
    playing: false,
    missing: null,
    mark: null,
    converted: false,
  };
}

export function reduce(state: PlaybackState, action: PlaybackAction): PlaybackState {
  switch (action.type) {
    case 'want': {
      const { ms, guess = false, slackMs = 0 } = action;
      return { ...state, wallMs: ms, pending: { ms, guess, slackMs } };
    }
    case 'landed':
      return { ...state, wallMs: action.ms, pending: null, missing: null, problem: null };
    case 'missing':
      return { ...state, wallMs: action.missing.atMs, pending: null, missing: action.missing, problem: null };
    case 'time':
      // What the player still reports of the old place does not move the playhead off the wanted one.
      return state.pending || state.missing ? state : { ...state, wallMs: action.ms };
    case 'phase':
      return { ...state, phase: action.phase, problem: action.problem };
    case 'playing':
      return { ...state, playing: action.playing };
    case 'converted':
      return state.converted === action.converted ? state : { ...state, converted: action.converted };
    case 'mark':
      return { ...state, mark: action.mark };
  }
}

/** First press: start; second: end, in whichever order they lie; third: a new start. */
export function markAt(mark: Mark | null, ms: number): Mark {
  if (mark === null || mark.endMs !== null) return { startMs: ms, endMs: null };
  return { startMs: Math.min(mark.startMs, ms), endMs: Math.max(mark.startMs, ms) };
}

/** The marked span; null until both ends are there and lie apart. */
export function spanOf(mark: Mark | null): Window | null {
  if (!mark || mark.endMs === null || mark.endMs - mark.startMs < 100) return null;
  return { startMs: mark.startMs, endMs: mark.endMs };
}

export function faster(speed: number, direction: 1 | -1): number {
  const index = SPEEDS.findIndex((s) => s === speed);
  return SPEEDS[index + direction] ?? speed;
}
