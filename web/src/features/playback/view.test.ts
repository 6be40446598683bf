import { describe, expect, it } from 'vitest';
import { NARROWEST_MS, follow, msOf, opening, pan, ticks, xOf, zoomAt } from './view';

const HOUR = 3_600_000;
const day = { startMs: 1_000 * HOUR, endMs: 1_024 * HOUR };

describe('pixels and time', () => {
  it('are each other’s inverse', () => {
    const view = { startMs: day.startMs + HOUR, endMs: day.startMs + 3 * HOUR };
    for (const x of [0, 1, 333.25, 1200]) expect(xOf(view, 1200, msOf(view, 1200, x))).toBeCloseTo(x, 6);
    expect(msOf(view, 1200, 600)).toBe(day.startMs + 2 * HOUR);
  });
});

describe('zoomAt', () => {
  it('keeps the instant under the pointer', () => {
    const pointer = day.startMs + 10.3 * HOUR;
    let view = day;
    const x = xOf(view, 1000, pointer);
    for (let i = 0; i < 6; i++) {
      view = zoomAt(view, day, pointer, 0.7);
      expect(xOf(view, 1000, pointer)).toBeCloseTo(x, 4);
    }
  });

  it('goes from a day to a minute and no further', () => {
    let view = day;
    for (let i = 0; i < 40; i++) view = zoomAt(view, day, day.startMs + HOUR, 0.5);
    expect(view.endMs - view.startMs).toBe(NARROWEST_MS);
    for (let i = 0; i < 40; i++) view = zoomAt(view, day, day.startMs + HOUR, 2);
    expect(view).toEqual(day);
  });

  it('stays inside the day at its edges', () => {
    const near = zoomAt({ startMs: day.startMs, endMs: day.startMs + HOUR }, day, day.startMs + HOUR, 3);
    expect(near.startMs).toBe(day.startMs);
    expect(near.endMs - near.startMs).toBe(3 * HOUR);
  });
});

describe('pan and follow', () => {
  const view = { startMs: day.startMs + HOUR, endMs: day.startMs + 2 * HOUR };

  it('pan stops at the ends of the day', () => {
    expect(pan(view, day, -5 * HOUR)).toEqual({ startMs: day.startMs, endMs: day.startMs + HOUR });
    expect(pan(view, day, 50 * HOUR).endMs).toBe(day.endMs);
  });

  it('follow moves only when the playhead leaves', () => {
    expect(follow(view, day, day.startMs + 1.5 * HOUR)).toBe(view);
    const moved = follow(view, day, view.endMs + 1);
    expect(moved.startMs).toBeLessThan(view.endMs);
    expect(moved.endMs).toBeGreaterThan(view.endMs + 1);
  });
});

describe('ticks', () => {
  it('are far enough apart and lie on round local times', () => {
    for (const hours of [24, 6, 1, 0.1, 1 / 60]) {
      const view = { startMs: day.startMs + 5.013 * HOUR, endMs: day.startMs + (5.013 + hours) * HOUR };
      const { stepMs, at } = ticks(view, day.startMs, 1200, 64);
      expect(at.length).toBeGreaterThan(2);
      for (const ms of at) expect((ms - day.startMs) % stepMs).toBe(0);
      expect(xOf(view, 1200, view.startMs + stepMs)).toBeGreaterThanOrEqual(64);
    }
  });
});

describe('opening', () => {
  const minutes = (from: number, to: number) => ({ startMs: day.startMs + from * 60_000, endMs: day.startMs + to * 60_000 });

  it('lets a young recording fill the width', () => {
    const view = opening(day, [minutes(600, 602), minutes(603, 604)]);
    expect(view.endMs - view.startMs).toBe(10 * 60_000);
    expect(view.startMs).toBeLessThan(day.startMs + 600 * 60_000);
    expect(view.endMs).toBeGreaterThan(day.startMs + 604 * 60_000);
  });

  it('shows the whole day once most of it is recorded, or nothing is', () => {
    expect(opening(day, [minutes(0, 1400)])).toEqual(day);
    expect(opening(day, [])).toEqual(day);
  });

  it('does not leave the day', () => {
    expect(opening(day, [minutes(0, 5)]).startMs).toBe(day.startMs);
  });
});
