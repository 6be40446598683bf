/** One live picture: socket -> sink, with its own life. Free of React.
 *
 * Promises   tells its state at every change; comes back by itself from anything that can pass; costs nothing
 *            while the tab is hidden for longer than 10 s.
 * Does not   choose the stream (streams.ts) or draw (Tile.tsx). */
import { backOff } from './edge';
import { fragmentWallMs } from './mp4';
import type { Shown } from './shown';
import { Sink, canPlay } from './sink';

export type LiveState = 'connecting' | 'live' | 'stalled' | 'failed';

export interface LiveReport {
  state: LiveState;
  /** Machine word for what failed: a cause of the node, or `unreachable`, `codec`, `logged_out`, `forbidden`,
   *  `gone`. */
  cause: string | null;
  /** The node's sentences, in the user's language. */
  reason: string | null;
  hint: string | null;
  /** Which picture the node sends; null until it has said so. */
  shown: Shown | null;
}

interface StateMessage {
  type: 'state';
  state: string;
  cause: string | null;
  reason: string | null;
  hint: string | null;
}

interface ShownMessage extends Shown {
  type: 'shown';
}

interface InitMessage {
  type: 'init';
  mime: string;
}

const STALLED_AFTER_MS = 4_000;
const RECONNECT_AFTER_MS = 15_000;
const HIDDEN_STOP_MS = 10_000;
const TEND_EVERY_MS = 200;
const FINAL: Record<number, string> = { 4401: 'logged_out', 4403: 'forbidden', 4404: 'gone' };

export class LivePlayer {
  private readonly sink: Sink;
  private socket: WebSocket | null = null;
  private awaited: InitMessage | null = null;
  private attempt = 0;
  private lastBytesAt = 0;
  private lastWallMs: number | null = null;
  private retry: number | undefined;
  private tending: number | undefined;
  private hiding: number | undefined;
  private report: LiveReport = { state: 'connecting', cause: null, reason: null, hint: null, shown: null };
  private running = false;
  private shown: Shown | null = null;
  /** The node said that the camera is away; true until the next fragment. */
  private cameraAway = false;
  /** Nothing that passes by itself: no right, no such camera, no decoder. */
  private over = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly address: string,
    private readonly onReport: (report: LiveReport) => void,
  ) {
    this.sink = new Sink(video, () => this.restart());
  }

  start(): void {
    this.running = true;
    this.say('connecting');
    document.addEventListener('visibilitychange', this.onVisibility);
    this.tending = window.setInterval(() => this.tend(), TEND_EVERY_MS);
    this.connect();
  }

  stop(): void {
    this.running = false;
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.clearInterval(this.tending);
    window.clearTimeout(this.hiding);
    this.disconnect();
    this.sink.close();
  }

  /** Age of the picture on the screen, milliseconds by the node's clock; null while it is not known. */
  latencyMs(nodeNowMs: number): number | null {
    if (this.lastWallMs === null || this.report.state !== 'live') return null;
    return nodeNowMs - this.lastWallMs + this.sink.ahead() * 1000;
  }

  private connect(): void {
    window.clearTimeout(this.retry);
    const socket = new WebSocket(this.address);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.awaited = null;
    this.lastBytesAt = performance.now();
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (this.socket !== socket) return;
      if (typeof event.data === 'string') this.onText(event.data);
      else this.onBytes(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.onClose(event.code);
    };
  }

  private disconnect(): void {
    window.clearTimeout(this.retry);
    const { socket } = this;
    this.socket = null;
    socket?.close();
  }

  /** The sink broke: a new socket begins with an init and a keyframe, which heals every kind of confusion. */
  private restart(): void {
    if (!this.running) return;
    this.disconnect();
    this.sink.close();
    if (this.attempt >= 3) this.say('failed', 'media');
    this.later();
  }

  private later(): void {
    const wait = backOff(this.attempt, Math.random());
    this.attempt += 1;
    window.clearTimeout(this.retry);
    this.retry = window.setTimeout(() => this.connect(), wait);
  }

  private onText(text: string): void {
    const message = JSON.parse(text) as StateMessage | InitMessage | ShownMessage | { type: '' };
    if (message.type === 'init') {
      if (!canPlay(message.mime)) {
        this.over = true;
        this.disconnect();
        this.say('failed', 'codec');
        return;
      }
      this.awaited = message;
    } else if (message.type === 'state') {
      this.onCameraState(message);
    } else if (message.type === 'shown') {
      this.onShown(message);
    }
  }

  private onCameraState(message: StateMessage): void {
    const { state, cause, reason, hint } = message;
    if (state === 'retrying' || state === 'disabled' || state === 'unknown') {
      this.cameraAway = true;
      this.say('failed', cause ?? state, reason, hint);
    } else if (this.report.state === 'failed') {
      this.say('connecting');
    }
  }

  /** No picture, and why: the node tells when that changes, so the socket stays open. */
  private onShown(shown: Shown): void {
    this.shown = shown;
    const { cause, reason, hint } = shown;
    this.cameraAway = cause !== null;
    if (cause !== null) this.say('failed', cause, reason, hint);
    else this.say(this.report.state === 'failed' ? 'connecting' : this.report.state);
  }

  private onBytes(bytes: ArrayBuffer): void {
    this.lastBytesAt = performance.now();
    if (this.awaited) {
      this.sink.init(this.awaited.mime, bytes);
      this.awaited = null;
      return;
    }
    this.cameraAway = false;
    this.lastWallMs = fragmentWallMs(bytes) ?? this.lastWallMs;
    this.sink.fragment(bytes);
  }

  private onClose(code: number): void {
    this.socket = null;
    const cause = FINAL[code];
    if (cause !== undefined) {
      this.over = true;
      this.say('failed', cause);
      return;
    }
    if (this.attempt >= 2) this.say('failed', 'unreachable');
    else if (this.report.state !== 'failed') this.say('connecting');
    this.later();
  }

  private tend(): void {
    this.sink.tend();
    if (!this.socket) return;
    const silentMs = performance.now() - this.lastBytesAt;
    const shown = this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    if (shown && !this.cameraAway && silentMs < STALLED_AFTER_MS && this.sink.ahead() > 0) {
      this.attempt = 0;
      this.say('live');
    } else if (silentMs > STALLED_AFTER_MS && this.report.state === 'live') {
      this.say('stalled');
    }
    // While the camera itself is away, the node says so and the open socket is the fastest way to hear of its return.
    if (silentMs > RECONNECT_AFTER_MS && !this.cameraAway) {
      this.disconnect();
      this.later();
    }
  }

  private readonly onVisibility = (): void => {
    window.clearTimeout(this.hiding);
    if (document.hidden) {
      this.hiding = window.setTimeout(() => this.disconnect(), HIDDEN_STOP_MS);
    } else if (!this.socket && !this.over) {
      this.attempt = 0;
      this.connect();
    }
  };

  private say(state: LiveState, cause: string | null = null, reason: string | null = null, hint: string | null = null) {
    const before = this.report;
    const { shown } = this;
    const same = before.state === state && before.cause === cause && before.reason === reason && before.hint === hint;
    if (same && before.shown === shown) return;
    this.report = { state, cause, reason, hint, shown };
    this.onReport(this.report);
  }
}
