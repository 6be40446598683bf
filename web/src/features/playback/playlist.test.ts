import { describe, expect, it } from 'vitest';
import { endOf, fragmentsOf, frameStep, positionOf, wallAt, windowAround } from './playlist';

const T = Date.parse('2026-11-22T07:00:00Z');
// Two seconds, two seconds, a gap of a minute, one second.
const TEXT = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MAP:URI="a.mp4",BYTERANGE="700@0"
#EXT-X-PROGRAM-DATE-TIME:2026-11-22T07:00:00.000Z
#EXTINF:2.000,
#EXT-X-BYTERANGE:100@700
a.mp4
#EXTINF:2.000,
#EXT-X-BYTERANGE:100@800
a.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="b.mp4",BYTERANGE="700@0"
#EXT-X-PROGRAM-DATE-TIME:2026-11-22T07:01:04.000Z
#EXTINF:1.000,
b.mp4
#EXT-X-ENDLIST
`;
const fragments = fragmentsOf(TEXT);

describe('a playlist with a gap', () => {
  it('has a wall time for each fragment', () => {
    expect(fragments).toEqual([
      { startS: 0, durationS: 2, wallMs: T, uri: 'a.mp4' },
      { startS: 2, durationS: 2, wallMs: T + 2000, uri: 'a.mp4' },
      { startS: 4, durationS: 1, wallMs: T + 64_000, uri: 'b.mp4' },
    ]);
    expect(endOf(fragments)).toBe(T + 65_000);
  });

  it('maps positions to wall time over the gap', () => {
    expect(wallAt(fragments, 3.5)).toBe(T + 3500);
    expect(wallAt(fragments, 4.25)).toBe(T + 64_250);
    expect(wallAt([], 1)).toBeNull();
  });

  it('maps wall time to positions; in the gap to what follows', () => {
    expect(positionOf(fragments, T + 3500)).toBe(3.5);
    expect(positionOf(fragments, T + 30_000)).toBe(4);
    expect(positionOf(fragments, T + 65_000)).toBeNull();
    expect(positionOf(fragments, T - 1)).toBe(0);
  });

  it('is its own inverse where something is recorded', () => {
    for (const ms of [0, 1, 1999, 2000, 3999, 64_000, 64_999]) {
      expect(wallAt(fragments, positionOf(fragments, T + ms) ?? NaN)).toBeCloseTo(T + ms, 3);
    }
  });

  it('ignores an empty list', () => {
    expect(fragmentsOf('#EXTM3U\n#EXT-X-ENDLIST')).toEqual([]);
  });
});

describe('windowAround', () => {
  it('holds the moment with something before it and about half an hour in all', () => {
    const { startMs, endMs } = windowAround(T + 1234);
    expect(startMs).toBeLessThanOrEqual(T + 1234 - 60_000);
    expect(endMs - startMs).toBe(30 * 60_000);
    expect(startMs % 10_000).toBe(0);
  });
});

describe('frameStep', () => {
  it('lands in the middle of the neighbouring frame', () => {
    expect(frameStep(1, 25, 1)).toBeCloseTo(1.06);
    expect(frameStep(1, 25, -1)).toBeCloseTo(0.98);
    expect(frameStep(0, 25, -1)).toBe(0);
  });
});
