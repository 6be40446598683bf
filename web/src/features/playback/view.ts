/** The timeline's window: pixels <-> time, zoom and pan. Instants are milliseconds since the epoch. */

export interface Window {
  startMs: number;
  endMs: number;
}

export const NARROWEST_MS = 60_000;

export function xOf(view: Window, width: number, ms: number): number {
  return ((ms - view.startMs) / (view.endMs - view.startMs)) * width;
}

export function msOf(view: Window, width: number, x: number): number {
  return view.startMs + (x / width) * (view.endMs - view.startMs);
}

function clamped(startMs: number, lengthMs: number, day: Window): Window {
  const length = Math.min(lengthMs, day.endMs - day.startMs);
  const start = Math.min(Math.max(startMs, day.startMs), day.endMs - length);
  return { startMs: start, endMs: start + length };
}

const OPENINGS_MS = [10, 30, 60, 180, 360, 720].map((minutes) => minutes * 60_000);

/** What to show before anybody has zoomed: a young day's recordings fill the width instead of being a hairline in 24 hours. */
export function opening(day: Window, recorded: readonly Window[]): Window {
  const first = recorded[0];
  const last = recorded.at(-1);
  if (!first || !last) return { startMs: day.startMs, endMs: day.endMs };
  const wanted = (last.endMs - first.startMs) * 1.2;
  const length = OPENINGS_MS.find((candidate) => candidate >= wanted) ?? day.endMs - day.startMs;
  return clamped(first.startMs - length * 0.05, length, day);
}

/** Zooms by `factor` (> 1 shows more time); the instant under the pointer stays under the pointer. */
export function zoomAt(view: Window, day: Window, pointerMs: number, factor: number): Window {
  const length = view.endMs - view.startMs;
  const wanted = Math.min(Math.max(length * factor, NARROWEST_MS), day.endMs - day.startMs);
  const share = (pointerMs - view.startMs) / length;
  return clamped(pointerMs - share * wanted, wanted, day);
}

export function pan(view: Window, day: Window, byMs: number): Window {
  return clamped(view.startMs + byMs, view.endMs - view.startMs, day);
}

/** Moves the window just so that the playhead, which runs by itself, does not leave it. */
export function follow(view: Window, day: Window, ms: number): Window {
  if (ms >= view.startMs && ms <= view.endMs) return view;
  const length = view.endMs - view.startMs;
  return clamped(ms - length * 0.1, length, day);
}

const MINUTE = 60_000;
const STEPS_MS = [
  5_000,
  10_000,
  30_000,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  60 * MINUTE,
  120 * MINUTE,
  180 * MINUTE,
  360 * MINUTE,
];

/** Instants to label, at least `spacePx` apart, counted from the start of the local day. */
export function ticks(view: Window, dayStartMs: number, width: number, spacePx: number): { stepMs: number; at: number[] } {
  const perPixel = (view.endMs - view.startMs) / Math.max(1, width);
  const stepMs = STEPS_MS.find((step) => step / perPixel >= spacePx) ?? 360 * MINUTE;
  const first = Math.ceil((view.startMs - dayStartMs) / stepMs);
  const last = Math.floor((view.endMs - dayStartMs) / stepMs);
  const count = Math.max(0, last - first + 1);
  return { stepMs, at: Array.from({ length: count }, (_, i) => dayStartMs + (first + i) * stepMs) };
}
