/** The few facts a live player reads out of fragments. ISO/IEC 14496-12 §8.16.5 (prft). */

const NTP_TO_UNIX_S = 2_208_988_800;

/** Wall time of a fragment that starts with a `prft` box, milliseconds since the epoch; null without one. */
export function fragmentWallMs(bytes: ArrayBuffer): number | null {
  if (bytes.byteLength < 24) return null;
  const view = new DataView(bytes);
  // 'prft'; then version and flags (4), reference_track_ID (4), ntp_timestamp (8).
  if (view.getUint32(4) !== 0x70726674) return null;
  const seconds = view.getUint32(16);
  const fraction = view.getUint32(20) / 2 ** 32;
  return (seconds - NTP_TO_UNIX_S + fraction) * 1000;
}

/** One buffer of several, for one append instead of many. */
export function joined(pieces: readonly ArrayBuffer[]): ArrayBuffer {
  if (pieces.length === 1 && pieces[0]) return pieces[0];
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(new Uint8Array(piece), at);
    at += piece.byteLength;
  }
  return out.buffer;
}
