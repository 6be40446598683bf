/** Between a playlist's own time and wall time. RFC 8216 §4.3.2.1 (EXTINF), §4.3.2.6 (program date-time). */

export interface Fragment {
  /** Seconds from the start of the playlist. */
  startS: number;
  durationS: number;
  /** Milliseconds since the epoch. */
  wallMs: number;
  /** Where its bytes are, as the playlist says it. */
  uri: string;
}

/** Which picture a fragment holds, by its address: a rendition's says so. */
export function isConverted(uri: string): boolean {
  return /(^|\/)renditions\/[^/]+\/h264-/.test(uri);
}

/** Fragments of a media playlist. A fragment without its own date-time follows on from the one before. */
export function fragmentsOf(text: string): Fragment[] {
  const out: Fragment[] = [];
  let startS = 0;
  let durationS = 0;
  let wallMs = NaN;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#EXTINF:')) durationS = Number.parseFloat(line.slice(8));
    else if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) wallMs = Date.parse(line.slice(25));
    else if (line !== '' && !line.startsWith('#')) {
      out.push({ startS, durationS, wallMs, uri: line });
      startS += durationS;
      wallMs += durationS * 1000;
    }
  }
  return out.filter((fragment) => Number.isFinite(fragment.wallMs));
}

/** The fragment at a position; the nearest one for a position outside. */
export function fragmentAt(fragments: readonly Fragment[], positionS: number): Fragment | null {
  let found = fragments[0];
  for (const fragment of fragments) {
    if (fragment.startS > positionS + 1e-6) break;
    found = fragment;
  }
  return found ?? null;
}

/** Wall time of a position, milliseconds; a position outside counts from the nearest fragment. */
export function wallAt(fragments: readonly Fragment[], positionS: number): number | null {
  const found = fragmentAt(fragments, positionS);
  return found ? found.wallMs + (positionS - found.startS) * 1000 : null;
}

/** Position of a wall time, seconds; in a gap the start of what follows; null when the playlist ends before it. */
export function positionOf(fragments: readonly Fragment[], wallMs: number): number | null {
  for (const { startS, durationS, wallMs: start } of fragments) {
    if (wallMs < start) return startS;
    if (wallMs < start + durationS * 1000) return startS + (wallMs - start) / 1000;
  }
  return null;
}

export function endOf(fragments: readonly Fragment[]): number | null {
  const last = fragments.at(-1);
  return last ? last.wallMs + last.durationS * 1000 : null;
}

const BEFORE_MS = 60_000;
const WINDOW_MS = 30 * 60_000;

/** The span to ask for around a wanted moment: a little before it, so that a step back is at hand. */
export function windowAround(wallMs: number): { startMs: number; endMs: number } {
  const startMs = Math.floor((wallMs - BEFORE_MS) / 10_000) * 10_000;
  return { startMs, endMs: startMs + WINDOW_MS };
}

/** Where a single step of one frame lands, seconds: in the middle of the next or the previous frame, so that
 *  rounding cannot show the same one again. */
export function frameStep(frameStartS: number, fps: number, direction: 1 | -1): number {
  const frame = 1 / fps;
  return Math.max(0, frameStartS + (direction === 1 ? 1.5 : -0.5) * frame);
}
