import { describe, expect, it } from 'vitest';
import { onDate, readPlayback, startOf } from './address';
import { faster, initialState, markAt, reduce, spanOf } from './state';
import { parseEntry } from './timeEntry';

const ZONE = 'Asia/Ho_Chi_Minh';
const now = Date.parse('2026-11-22T10:00:00Z');
const around = Date.parse('2026-11-20T03:00:00Z');
const parse = (text: string) => {
  const ms = parseEntry(text, ZONE, around, now);
  return ms === null ? null : new Date(ms).toISOString();
};

describe('typed times', () => {
  it.each([
    ['14:05', '2026-11-20T07:05:00.000Z'],
    ['14h05', '2026-11-20T07:05:00.000Z'],
    ['14h', '2026-11-20T07:00:00.000Z'],
    ['2:14:07', '2026-11-19T19:14:07.000Z'],
    ['22/11 14:05', '2026-11-22T07:05:00.000Z'],
    [' 22-11-2026, 14.05 ', '2026-11-22T07:05:00.000Z'],
    ['1/2/26 00:00', '2026-01-31T17:00:00.000Z'],
    ['31/12 23:59', '2025-12-31T16:59:00.000Z'],
  ])('%s', (text, expected) => {
    expect(parse(text)).toBe(expected);
  });

  it.each(['', 'x', '25:00', '14:60', '31/02 10:00', '22/13 10:00', '22/11'])('%s is not a time', (text) => {
    expect(parse(text)).toBeNull();
  });
});

describe('the address', () => {
  it('keeps camera, time and stream, and drops nonsense', () => {
    expect(readPlayback({ camera: 7, at: '2026-11-22T07:00:00Z', stream: 'sub' })).toEqual({
      camera: '7',
      at: '2026-11-22T07:00:00Z',
      stream: 'sub',
      date: undefined,
    });
    expect(readPlayback({ at: 'yesterday', stream: 'x', date: '1/1' })).toEqual({});
  });

  it('starts at the wish, else on the wanted day, else one hour back', () => {
    expect(startOf({ at: '2026-11-22T07:00:00Z' }, ZONE, now)).toEqual({
      ms: Date.parse('2026-11-22T07:00:00Z'),
      guess: false,
    });
    expect(startOf({ date: '2026-11-20' }, ZONE, now)).toEqual({
      ms: Date.parse('2026-11-20T09:00:00Z'),
      guess: true,
    });
    expect(startOf({}, ZONE, now)).toEqual({ ms: now - 3_600_000, guess: true });
  });

  it('keeps the time of day on another day', () => {
    expect(onDate(ZONE, now, '2026-11-01')).toBe(Date.parse('2026-11-01T10:00:00Z'));
  });
});

describe('marks', () => {
  it('begin, end in either order, and begin anew', () => {
    const first = markAt(null, 5000);
    expect(spanOf(first)).toBeNull();
    const both = markAt(first, 2000);
    expect(spanOf(both)).toEqual({ startMs: 2000, endMs: 5000 });
    expect(markAt(both, 9000)).toEqual({ startMs: 9000, endMs: null });
  });

  it('without length are no span', () => {
    expect(spanOf({ startMs: 1, endMs: 1 })).toBeNull();
  });
});

describe('speed and state', () => {
  it('stays within the list', () => {
    expect([faster(1, 1), faster(16, 1), faster(0.25, -1), faster(1, -1)]).toEqual([2, 16, 0.25, 0.5]);
  });

  it('does not let a late report of the old place move the playhead', () => {
    const wanted = reduce(initialState(0, true), { type: 'want', ms: 9000 });
    expect(reduce(wanted, { type: 'time', ms: 10 }).wallMs).toBe(9000);
    const landed = reduce(wanted, { type: 'landed', ms: 9500 });
    expect(reduce(landed, { type: 'time', ms: 9600 }).wallMs).toBe(9600);
  });
});
