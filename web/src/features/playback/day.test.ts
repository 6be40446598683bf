import { describe, expect, it } from 'vitest';
import type { Day } from '../../client/types';
import { BIT, bands, hitAt, holdAt, land, modelOf, nextRecorded, streamAt } from './day';

const MINUTE = 60_000;
const start = Date.parse('2026-11-21T17:00:00Z');
const iso = (minute: number) => new Date(start + minute * MINUTE).toISOString();
const at = (minute: number) => start + minute * MINUTE;

function day(change: Partial<Day> = {}): Day {
  return {
    code: 'DK-01',
    stream: 'main',
    date: '2026-11-22',
    zone: 'Asia/Ho_Chi_Minh',
    start: iso(0),
    end: iso(1440),
    minutes: [],
    recorded_s: 0,
    spans: [
      { start: iso(10), end: iso(60), stream: 'main' },
      { start: iso(90), end: iso(100), stream: 'sub' },
    ],
    gaps: [{ start: iso(60), end: iso(90), cause: 'timeout', intended: false, reason: 'Camera không trả lời' }],
    holds: [{ start: iso(20), end: iso(30), reason: 'Vụ trộm' }],
    clocks: [],
    ...change,
  };
}

describe('bands', () => {
  it('joins touching minutes that carry the bit', () => {
    const minutes = [0, 1, 9, 1, 0, 1];
    expect(bands(minutes, BIT.recorded, start)).toEqual([
      { startMs: at(1), endMs: at(4) },
      { startMs: at(5), endMs: at(6) },
    ]);
    expect(bands(minutes, BIT.motion, start)).toEqual([{ startMs: at(2), endMs: at(3) }]);
  });
});

describe('modelOf', () => {
  it('draws the bitmap where there are no exact spans', () => {
    expect(modelOf(day({ spans: [], minutes: [1, 1] }), at(5)).recorded).toMatchObject([{ startMs: at(0), endMs: at(2) }]);
  });

  it('lets an open gap grow until now', () => {
    const gaps = [{ start: iso(100), end: null, cause: 'host_down', intended: false, reason: 'Mất điện' }];
    expect(modelOf(day({ gaps }), at(130)).gaps[0]).toMatchObject({ endMs: at(130), open: true });
  });

  it('knows which stream is shown', () => {
    const model = modelOf(day(), at(200));
    expect([15, 75, 95].map((minute) => streamAt(model, at(minute)))).toEqual(['main', undefined, 'sub']);
  });

  it('cuts what reaches over midnight', () => {
    const spans = [{ start: iso(-30), end: iso(2000), stream: 'main' as const }];
    expect(modelOf(day({ spans }), at(1440)).recorded).toEqual([{ startMs: at(0), endMs: at(1440), stream: 'main' }]);
  });
});

describe('hitAt', () => {
  const model = modelOf(day(), at(200));

  it('tells recorded, gap, nothing and future apart', () => {
    expect(hitAt(model, at(15), at(200), 0).kind).toBe('recorded');
    expect(hitAt(model, at(70), at(200), 0)).toMatchObject({ kind: 'gap', gap: { reason: 'Camera không trả lời' } });
    expect(hitAt(model, at(5), at(200), 0).kind).toBe('nothing');
    expect(hitAt(model, at(300), at(200), 0).kind).toBe('future');
  });

  it('hits a gap narrower than the pointer, but a wide one only inside', () => {
    const narrow = modelOf(day({ gaps: [{ start: iso(40), end: iso(40.1), cause: 'timeout', intended: false, reason: 'x' }] }), at(200));
    expect(hitAt(narrow, at(40.5), at(200), MINUTE).kind).toBe('gap');
    expect(hitAt(model, at(59.5), at(200), MINUTE).kind).toBe('recorded');
  });

  it('finds holds', () => {
    expect(holdAt(model, at(25))?.reason).toBe('Vụ trộm');
    expect(holdAt(model, at(35))).toBeUndefined();
  });
});

describe('finding a picture', () => {
  const model = modelOf(day(), at(200));

  it('goes on after a gap', () => {
    expect(nextRecorded(model, at(15))).toBe(at(15));
    expect(nextRecorded(model, at(70))).toBe(at(90));
    expect(nextRecorded(model, at(100))).toBeNull();
  });

  it('lands shortly before the end when nothing follows', () => {
    expect(land(model, at(0))).toBe(at(10));
    expect(land(model, at(150))).toBe(at(100) - 10_000);
    expect(land(modelOf(day({ spans: [], minutes: [] }), at(200)), at(1))).toBeNull();
  });
});
