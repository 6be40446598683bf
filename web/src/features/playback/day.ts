/** One day of one stream, ready to draw and to ask. Instants are milliseconds since the epoch. */
import type { Day, StreamName } from '../../client/types';
import type { ClockSpan } from './clocks';
import type { Window } from './view';

export interface GapSpan extends Window {
  cause: string;
  reason: string;
  /** Not recorded on purpose, or only elsewhere. */
  intended: boolean;
  /** The gap has not ended. */
  open: boolean;
}

export interface RecordedSpan extends Window {
  stream: StreamName;
}

export interface HoldSpan extends Window {
  reason: string;
}

export interface DayModel extends Window {
  date: string;
  recorded: RecordedSpan[];
  gaps: GapSpan[];
  holds: HoldSpan[];
  motion: Window[];
  clocks: ClockSpan[];
}

export const BIT = { recorded: 1, gap: 2, hold: 4, motion: 8 } as const;
const MINUTE_MS = 60_000;

/** Touching minutes that carry `bit`, as spans. */
export function bands(minutes: readonly number[], bit: number, dayStartMs: number): Window[] {
  const out: Window[] = [];
  minutes.forEach((flags, minute) => {
    if ((flags & bit) === 0) return;
    const startMs = dayStartMs + minute * MINUTE_MS;
    const last = out.at(-1);
    if (last?.endMs === startMs) last.endMs = startMs + MINUTE_MS;
    else out.push({ startMs, endMs: startMs + MINUTE_MS });
  });
  return out;
}

/** `nowMs` closes a gap that is still open. */
export function modelOf(day: Day, nowMs: number): DayModel {
  const startMs = Date.parse(day.start);
  const endMs = Date.parse(day.end);
  const within = (span: { start: string; end: string | null }): Window => ({
    startMs: Math.max(startMs, Date.parse(span.start)),
    endMs: Math.min(endMs, span.end === null ? Math.max(nowMs, Date.parse(span.start)) : Date.parse(span.end)),
  });
  const spans = day.spans.map((span) => ({ ...within(span), stream: span.stream }));
  return {
    date: day.date,
    startMs,
    endMs,
    recorded:
      spans.length > 0
        ? spans
        : bands(day.minutes, BIT.recorded, startMs).map((band) => ({ ...band, stream: 'main' as const })),
    gaps: day.gaps.map((gap) => ({ ...within(gap), cause: gap.cause, reason: gap.reason, intended: gap.intended, open: gap.end === null })),
    holds: day.holds.map((hold) => ({ ...within(hold), reason: hold.reason })),
    motion: bands(day.minutes, BIT.motion, startMs),
    clocks: day.clocks.map((span) => ({ ...within(span), errorS: span.error_s, offsetS: span.camera_offset_s })),
  };
}

function covering<S extends Window>(spans: readonly S[], ms: number, slackMs = 0): S | undefined {
  return spans.find((span) => ms >= span.startMs - slackMs && ms < span.endMs + slackMs);
}

export type Hit =
  | { kind: 'recorded' }
  | { kind: 'gap'; gap: GapSpan }
  | { kind: 'future' }
  /** Recorded a moment ago and not yet on disk, or before the first recording. */
  | { kind: 'nothing' };

/** What lies at an instant. `slackMs` is what a few pixels mean: a gap narrower than the pointer can still be hit. */
export function hitAt(day: DayModel, ms: number, nowMs: number, slackMs: number): Hit {
  if (ms > nowMs) return { kind: 'future' };
  const exact = covering(day.gaps, ms);
  if (exact) return { kind: 'gap', gap: exact };
  const narrow = day.gaps.filter((gap) => gap.endMs - gap.startMs < 2 * slackMs);
  const near = covering(narrow, ms, slackMs);
  if (near) return { kind: 'gap', gap: near };
  return covering(day.recorded, ms) ? { kind: 'recorded' } : { kind: 'nothing' };
}

export function holdAt(day: DayModel, ms: number): HoldSpan | undefined {
  return covering(day.holds, ms);
}

/** Which stream is shown at an instant. */
export function streamAt(day: DayModel, ms: number): StreamName | undefined {
  return covering(day.recorded, ms)?.stream;
}

export function isRecorded(day: DayModel, ms: number): boolean {
  return covering(day.recorded, ms) !== undefined;
}

/** The first recorded instant at or after `ms` on this day, or null. */
export function nextRecorded(day: DayModel, ms: number): number | null {
  const span = day.recorded.find((s) => s.endMs > ms);
  return span ? Math.max(ms, span.startMs) : null;
}

/** Where to start when `ms` was only a guess: there, or the next recorded moment, or shortly before the last. */
export function land(day: DayModel, ms: number): number | null {
  const next = nextRecorded(day, ms);
  if (next !== null) return next;
  const last = day.recorded.at(-1);
  return last ? Math.max(last.startMs, last.endMs - 10_000) : null;
}
