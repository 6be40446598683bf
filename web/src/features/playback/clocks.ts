/** How far the time on the picture can be trusted, and what the camera's own clock said. */
import type { DayModel } from './day';
import type { Window } from './view';

export interface ClockSpan extends Window {
  /** Estimated error of the pictures' times; null while the node's clock was not synchronised. */
  errorS: number | null;
  /** The camera's clock minus the node's; null from a camera that tells none. */
  offsetS: number | null;
}

export interface ClockNote {
  /** Rounded up; null while it is not known. */
  errorS: number | null;
  warn: boolean;
  /** Only where it would puzzle somebody who reads the time drawn into the picture. */
  offsetS: number | null;
}

const DOUBTFUL_S = 1;
const PUZZLING_S = 2;

/** What to say of a moment; null where nothing is known (yet). */
export function clockNoteAt(day: DayModel, ms: number): ClockNote | null {
  const span = day.clocks.find((s) => ms >= s.startMs && ms < s.endMs);
  if (!span) return null;
  const { errorS, offsetS } = span;
  return {
    errorS: errorS === null ? null : Math.ceil(errorS * 10 - 1e-6) / 10,
    warn: errorS === null || errorS > DOUBTFUL_S,
    offsetS: offsetS !== null && Math.abs(offsetS) > PUZZLING_S ? offsetS : null,
  };
}
