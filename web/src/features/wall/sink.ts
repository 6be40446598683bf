/** A <video> fed with fragments through Media Source Extensions.
 *
 * Promises   fragments are appended in order, batched while the buffer is busy; played material is trimmed;
 *            a new init continues the same picture where the browser allows it.
 * Does not   know a socket, a camera, or when to give up (live.ts). */
import { type Range, chase, trimEnd } from './edge';
import { joined } from './mp4';

interface MediaSourceClass {
  new (): MediaSource;
  isTypeSupported(mime: string): boolean;
}

/** iPhones have only ManagedMediaSource; everything else has MediaSource. */
function mediaSourceClass(): MediaSourceClass | null {
  const host = window as unknown as Record<string, MediaSourceClass | undefined>;
  return host.MediaSource ?? host.ManagedMediaSource ?? null;
}

function hasSound(mime: string): boolean {
  return /mp4a|opus|flac/i.test(mime);
}

export function canPlay(mime: string): boolean {
  return mediaSourceClass()?.isTypeSupported(mime) ?? false;
}

type Piece = { init: string; bytes: ArrayBuffer } | { init: null; bytes: ArrayBuffer };

export class Sink {
  private source: MediaSource | null = null;
  private buffer: SourceBuffer | null = null;
  private mime = '';
  private address = '';
  private queue: Piece[] = [];

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly onBroken: () => void,
  ) {}

  /** An init segment. With audio the timestamps of both tracks must stay together, so the buffer is made anew. */
  init(mime: string, bytes: ArrayBuffer): void {
    const rebuild = this.source === null || this.source.readyState === 'ended' || hasSound(mime);
    if (rebuild) this.open();
    this.queue.push({ init: mime, bytes });
    this.pump();
  }

  fragment(bytes: ArrayBuffer): void {
    this.queue.push({ init: null, bytes });
    this.pump();
  }

  /** Chases the edge and trims; called a few times per second. */
  tend(): void {
    const { buffer, video } = this;
    if (!buffer || video.readyState === HTMLMediaElement.HAVE_NOTHING) return;
    const ranges = this.ranges();
    const move = chase(video.currentTime, ranges);
    if (move.seekTo !== null) video.currentTime = move.seekTo;
    if (video.playbackRate !== move.rate) video.playbackRate = move.rate;
    if (video.paused) void video.play().catch(() => undefined);
    const drop = trimEnd(video.currentTime, ranges);
    if (drop !== null && !buffer.updating) buffer.remove(0, drop);
  }

  /** Seconds of picture that wait to be shown. */
  ahead(): number {
    const last = this.ranges().at(-1);
    return last ? Math.max(0, last.end - this.video.currentTime) : 0;
  }

  /** Lets go of the buffer; the last picture goes too. */
  close(): void {
    this.queue = [];
    this.source = null;
    this.buffer = null;
    this.mime = '';
    if (this.address !== '') {
      URL.revokeObjectURL(this.address);
      this.address = '';
      this.video.removeAttribute('src');
      this.video.load();
    }
  }

  private ranges(): Range[] {
    const buffered = this.buffer && this.source?.readyState === 'open' ? this.buffer.buffered : null;
    return Array.from({ length: buffered?.length ?? 0 }, (_, i) => ({
      start: buffered?.start(i) ?? 0,
      end: buffered?.end(i) ?? 0,
    }));
  }

  private open(): void {
    this.close();
    const Source = mediaSourceClass();
    if (!Source) return;
    const source = new Source();
    this.source = source;
    this.address = URL.createObjectURL(source);
    // ManagedMediaSource refuses to open while the picture could be sent to a television.
    this.video.disableRemotePlayback = true;
    this.video.src = this.address;
    source.addEventListener('sourceopen', () => this.pump());
  }

  private pump(): void {
    const { source } = this;
    if (source?.readyState !== 'open' || this.buffer?.updating) return;
    const first = this.queue[0];
    if (!first) return;
    try {
      if (first.init === null) this.appendFragments();
      else this.appendInit(source, first.init, first.bytes);
    } catch (error) {
      this.queue = [];
      // A full buffer or a decoder that gave up: begin anew rather than freeze.
      if (error instanceof DOMException) this.onBroken();
      else throw error;
    }
  }

  private appendInit(source: MediaSource, mime: string, bytes: ArrayBuffer): void {
    if (!this.buffer) {
      const buffer = source.addSourceBuffer(mime);
      // In sequence mode a skipped or restarted stream leaves no hole in the buffer: the next frame follows on.
      if (!hasSound(mime)) buffer.mode = 'sequence';
      buffer.addEventListener('updateend', () => this.pump());
      buffer.addEventListener('error', () => this.onBroken());
      this.buffer = buffer;
    } else if (mime !== this.mime) {
      this.buffer.changeType(mime);
    }
    this.mime = mime;
    this.queue.shift();
    this.buffer.appendBuffer(bytes);
  }

  private appendFragments(): void {
    const next = this.queue.findIndex((piece) => piece.init !== null);
    const count = next === -1 ? this.queue.length : next;
    const pieces = this.queue.splice(0, count).map((piece) => piece.bytes);
    this.buffer?.appendBuffer(joined(pieces));
  }
}
