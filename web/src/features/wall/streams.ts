/** Which stream of a camera a tile plays. */
import type { Camera, Stream, StreamName } from '../../client/types';

export type CanPlay = (mime: string) => boolean;

export function mimeOf(codecString: string): string {
  return `video/mp4; codecs="${codecString}"`;
}

/** A stream whose codec is not known yet is worth a try: the socket's init says what it is. */
export function playable(stream: Stream, canPlay: CanPlay): boolean {
  return stream.codec_string === null || canPlay(mimeOf(stream.codec_string));
}

export interface Choice {
  stream: StreamName;
  /** The wanted stream exists, but this browser cannot show it, so another one is played. */
  instead: boolean;
}

/** The wanted stream if the camera has it and the browser plays it; else the other one; null when none plays.
 *  `refused` are streams that the player already found out it cannot show. */
export function choose(
  streams: readonly Stream[],
  wanted: StreamName,
  canPlay: CanPlay,
  refused: readonly StreamName[] = [],
): Choice | null {
  const good = streams.filter((s) => !refused.includes(s.name) && playable(s, canPlay));
  const exact = good.find((s) => s.name === wanted);
  if (exact) return { stream: wanted, instead: false };
  const other = good[0];
  if (!other) return null;
  return { stream: other.name, instead: streams.some((s) => s.name === wanted) };
}

/** The codec that stands in the way, for the sentence in the tile. */
export function blockingCodec(camera: Camera, wanted: StreamName): string | null {
  const stream = camera.streams.find((s) => s.name === wanted) ?? camera.streams[0];
  return stream?.codec ?? null;
}
