/** The wait after too many wrong passwords. */
import type { Problem } from '../../client/problem';

/** Until when, milliseconds by this browser's clock; null when the problem is not a lock-out. */
export function lockedUntil(problem: Problem, nowMs: number): number | null {
  if (problem.status !== 429) return null;
  return nowMs + (problem.retryAfterS ?? 60) * 1000;
}

/** 272 -> `4:32` */
export function countdown(seconds: number): string {
  const s = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}
