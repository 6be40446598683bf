/** Staying near the live edge: pure decisions, no player. Times are seconds of media time. */

export const TARGET_S = 0.35;
export const CHASE_FROM_S = 0.6;
export const JUMP_FROM_S = 3;
export const MAX_RATE = 1.15;
/** Played material to keep: enough for a decoder that wants its last keyframe, little enough for 16 tiles. */
export const KEEP_BEHIND_S = 6;
export const TRIM_FROM_S = 12;

export interface Range {
  start: number;
  end: number;
}

export interface EdgeMove {
  rate: number;
  /** Where to put the playhead, or null to let it run. */
  seekTo: number | null;
}

/** What a player at `current` with these buffered ranges does next. Without a buffer: nothing. */
export function chase(current: number, ranges: readonly Range[]): EdgeMove {
  const last = ranges.at(-1);
  if (!last) return { rate: 1, seekTo: null };
  const behind = last.end - current;
  if (current < last.start || behind > JUMP_FROM_S) {
    return { rate: 1, seekTo: Math.max(last.start, last.end - TARGET_S) };
  }
  if (behind <= CHASE_FROM_S) return { rate: 1, seekTo: null };
  // Linear from 1.0 at 0.6 s to 1.15 at 2 s: small corrections are not visible, large ones do not last.
  const share = Math.min(1, (behind - CHASE_FROM_S) / (2 - CHASE_FROM_S));
  return { rate: 1 + (MAX_RATE - 1) * share, seekTo: null };
}

/** Media to drop from the buffer as [0, end), or null while it is not worth the work. */
export function trimEnd(current: number, ranges: readonly Range[]): number | null {
  const first = ranges[0];
  if (!first || current - first.start < TRIM_FROM_S) return null;
  return current - KEEP_BEHIND_S;
}

/** Wait before the n-th try (from 0), milliseconds: doubles from 0.5 s to 15 s, and spreads by half, so that
 *  sixteen tiles do not come back at the same moment. `random` is in [0, 1). */
export function backOff(attempt: number, random: number): number {
  const full = Math.min(15_000, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(full * (0.5 + random / 2));
}
