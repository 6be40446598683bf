import { describe, expect, it } from 'vitest';
import { clockNoteAt } from './clocks';
import type { DayModel } from './day';

const start = Date.parse('2026-11-21T17:00:00Z');
const model = (errorS: number | null, offsetS: number | null): DayModel => ({
  ...{ date: '2026-11-22', startMs: start, endMs: start + 86_400_000, recorded: [], gaps: [], holds: [], motion: [] },
  clocks: [{ startMs: start + 1_000, endMs: start + 2_000, errorS, offsetS }],
});

describe('clockNoteAt', () => {
  it.each([
    [0.101, 0.4, { errorS: 0.2, warn: false, offsetS: null }],
    [0.1, null, { errorS: 0.1, warn: false, offsetS: null }],
    [1, -2, { errorS: 1, warn: false, offsetS: null }],
    [1.02, -2.1, { errorS: 1.1, warn: true, offsetS: -2.1 }],
    [3600, 86_400_000, { errorS: 3600, warn: true, offsetS: 86_400_000 }],
    [null, null, { errorS: null, warn: true, offsetS: null }],
  ])('error %s s, camera %s s', (error, offset, note) => {
    expect(clockNoteAt(model(error, offset), start + 1_500)).toEqual(note);
  });

  it('says nothing where nothing is known', () => {
    expect(clockNoteAt(model(0.1, 5), start + 2_000)).toBeNull();
    expect(clockNoteAt(model(0.1, 5), start + 999)).toBeNull();
  });
});
