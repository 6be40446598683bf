import { describe, expect, it } from 'vitest';
import type { EventKind } from '../../client/types';
import { lines } from './events';
import { limitsOf } from './words';

const event = (second: number, kind: EventKind, active: boolean | null, source = 'r1') =>
  ({ at: new Date(second * 1000).toISOString(), kind, active, source });

describe('events', () => {
  it('join a beginning with its own end, newest first', () => {
    const told = lines([
      event(12, 'motion', false),
      event(3, 'motion', true),
      event(5, 'tamper', true),
      event(4, 'motion', true, 'r2'),
    ]);
    expect(told.map((l) => [l.kind, l.source, l.startMs, l.endMs, l.lasting])).toEqual([
      ['tamper', 'r1', 5000, null, true],
      ['motion', 'r2', 4000, null, true],
      ['motion', 'r1', 3000, 12000, false],
    ]);
  });

  it('count what a camera repeats once, and leave an end alone out', () => {
    const told = lines([event(1, 'input', false), event(2, 'input', true), event(3, 'input', true), event(4, 'motion', null)]);
    expect(told.map((l) => [l.kind, l.lasting])).toEqual([
      ['motion', false],
      ['input', true],
    ]);
  });
});

describe('limits of a level', () => {
  it("are the camera's own, else percent or a byte", () => {
    expect(limitsOf({ value: 3, low: 1, high: 9 })).toEqual([1, 9]);
    expect(limitsOf({ value: 50, low: null, high: null })).toEqual([0, 100]);
    expect(limitsOf({ value: 128, low: null, high: null })).toEqual([0, 255]);
  });
});
