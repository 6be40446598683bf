import { describe, expect, it } from 'vitest';
import { MAX_RATE, TARGET_S, backOff, chase, trimEnd } from './edge';

describe('chase', () => {
  it('runs at normal speed near the edge', () => {
    expect(chase(9.5, [{ start: 0, end: 10 }])).toEqual({ rate: 1, seekTo: null });
  });

  it('speeds up smoothly with the distance and never beyond the limit', () => {
    const rates = [0.61, 1, 1.5, 2, 2.9].map((behind) => chase(10 - behind, [{ start: 0, end: 10 }]).rate);
    expect([...rates].sort((a, b) => a - b)).toEqual(rates);
    expect(rates[0]).toBeGreaterThan(1);
    expect(rates[0]).toBeLessThan(1.01);
    expect(rates.at(-1)).toBeCloseTo(MAX_RATE);
  });

  it('jumps when it is far behind', () => {
    expect(chase(2, [{ start: 0, end: 10 }])).toEqual({ rate: 1, seekTo: 10 - TARGET_S });
  });

  it('leaves an older island for the newest one', () => {
    const ranges = [
      { start: 0, end: 5 },
      { start: 6, end: 7 },
    ];
    expect(chase(5, ranges).seekTo).toBeCloseTo(7 - TARGET_S);
  });

  it('never seeks before what is buffered', () => {
    expect(chase(0, [{ start: 100, end: 100.1 }]).seekTo).toBe(100);
  });

  it('waits for a buffer', () => {
    expect(chase(0, [])).toEqual({ rate: 1, seekTo: null });
  });
});

describe('trimEnd', () => {
  it('keeps some material behind and does not trim for a second', () => {
    expect(trimEnd(11, [{ start: 0, end: 12 }])).toBeNull();
    expect(trimEnd(13, [{ start: 0, end: 14 }])).toBe(7);
    expect(trimEnd(13, [])).toBeNull();
  });
});

describe('backOff', () => {
  it('doubles up to a limit and spreads by half', () => {
    expect(backOff(0, 0)).toBe(250);
    expect(backOff(0, 1)).toBe(500);
    expect(backOff(3, 1)).toBe(4000);
    expect(backOff(50, 1)).toBe(15_000);
    expect(backOff(50, 0)).toBe(7_500);
  });
});
