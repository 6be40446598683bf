/** Addresses of pictures. Paths are below the API's root; `whole()` makes them ready for an element's `src`. */
import { decodableCodecs } from './codecs';
import { API, spokenLanguage } from './request';
import type { PlayedName, StreamName } from './types';

function span(startMs: number, endMs: number, stream: PlayedName): URLSearchParams {
  return new URLSearchParams({
    start: new Date(startMs).toISOString(),
    end: new Date(endMs).toISOString(),
    stream,
  });
}

export function whole(path: string): string {
  return `${API}${path}`;
}

export function playlistPath(code: string, stream: PlayedName, startMs: number, endMs: number): string {
  const query = span(startMs, endMs, stream);
  query.set('codecs', decodableCodecs());
  return `/cameras/${encodeURIComponent(code)}/video.m3u8?${query.toString()}`;
}

/** The original bytes, or a copy that this browser and most programs play, which is no evidence. */
export function downloadPath(
  code: string,
  stream: PlayedName,
  startMs: number,
  endMs: number,
  converted = false,
): string {
  const query = span(startMs, endMs, stream);
  query.set('download', '1');
  if (converted) query.set('codecs', 'h264,aac');
  return `/cameras/${encodeURIComponent(code)}/video.mp4?${query.toString()}`;
}

export function snapshotPath(code: string, stream: StreamName): string {
  return `/cameras/${encodeURIComponent(code)}/snapshot.jpg?stream=${stream}`;
}

export function liveAddress(code: string, stream: StreamName): string {
  const url = new URL(whole(`/cameras/${encodeURIComponent(code)}/live`), window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.search = new URLSearchParams({ stream, codecs: decodableCodecs(), lang: spokenLanguage() }).toString();
  return url.href;
}
