/** What to give to another program, ready to paste. */
import type { Camera } from '../../client/types';

export interface Ready {
  code: string;
  address: string;
}

/** One address for each camera that the reader may have; `pattern` has CODE in it. Login data stand beside it: in an
 *  address they end up in logs and lists of recent files. */
export function ready(cameras: readonly Camera[], allowed: readonly string[] | null, pattern: string): Ready[] {
  return cameras
    .filter((camera) => allowed === null || allowed.includes(camera.code))
    .map(({ code }) => ({ code, address: pattern.replace('CODE', encodeURIComponent(code)) }));
}

/** For a terminal; the shell must not read anything into the secret. */
export function ffmpegLine(address: string, user: string, secret: string): string {
  const safe = (text: string) => encodeURIComponent(text).replaceAll("'", '%27');
  const url = address.replace('rtsp://', `rtsp://${safe(user)}:${safe(secret)}@`);
  return `ffmpeg -rtsp_transport tcp -i '${url}' -c copy -t 60 out.mp4`;
}

/** Days from a choice; `''` is no end. */
export function daysOf(choice: string): number | null {
  return choice === '' ? null : Number(choice);
}
