/** Recorded pictures in one <video>: windows of about 30 minutes, one after the other, on wall time. Free of React.
 *
 * Promises   the wall time shown is the playlist's program date-time; at the end of a window the next one follows,
 *            over gaps too; near now it waits for what is being recorded.
 * Does not   know the timeline, the address bar, or what a gap means. */
import { playlistPath, whole } from '../../client/addresses';
import { Problem, problemFrom, unreachable } from '../../client/problem';
import { requestText, spokenLanguage } from '../../client/request';
import type { PlayedName } from '../../client/types';
import { type Fragment, endOf, fragmentAt, fragmentsOf, frameStep, isConverted, positionOf, wallAt, windowAround } from './playlist';

// hls.js is large and needed here only: it comes when the first recording is opened.
type Hls = import('hls.js').default;
const loadHls = () => import('hls.js/light').then((module) => module.default);

export type Phase = 'loading' | 'ready' | 'waiting' | 'problem';

export interface PlayerEvents {
  onTime: (wallMs: number) => void;
  onPhase: (phase: Phase, problem: Problem | null) => void;
  onPlaying: (playing: boolean) => void;
  /** Whether the picture on the screen is a converted copy. */
  onConverted: (converted: boolean) => void;
  /** Asked at the end of a window: the first recorded moment at or after `wallMs`, or null if none is known. */
  nextRecorded: (wallMs: number) => number | null;
}

const POLL_MS = 2_000;

export class ArchivePlayer {
  private hls: Hls | null = null;
  private fragments: Fragment[] = [];
  private loading: AbortController | null = null;
  private poll: number | undefined;
  private wantsToPlay = true;
  /** Start of the frame on the screen, seconds; what `currentTime` says lies somewhere inside that frame. */
  private frameS = 0;
  private readonly listeners = new AbortController();

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly freeze: HTMLCanvasElement,
    private readonly code: string,
    private readonly stream: PlayedName,
    private readonly events: PlayerEvents,
  ) {
    const on = (name: keyof HTMLVideoElementEventMap, run: () => void) =>
      video.addEventListener(name, run, { signal: this.listeners.signal });
    on('timeupdate', () => this.tellTime());
    on('seeked', () => this.tellTime());
    on('play', () => events.onPlaying(true));
    on('pause', () => {
      if (!video.ended) events.onPlaying(false);
    });
    on('loadeddata', () => this.showPicture());
    on('ended', () => void this.goOn());
    on('error', () => this.fail(unreachable()));
    this.watchFrames();
  }

  /** Shows the picture of a moment: inside the loaded window at once, else with a new window. */
  async seek(wallMs: number): Promise<void> {
    window.clearTimeout(this.poll);
    const position = this.inWindow(wallMs);
    if (position === null) {
      await this.load(wallMs);
      return;
    }
    this.video.currentTime = position;
    this.events.onPhase('ready', null);
    this.resume();
  }

  play(): void {
    this.wantsToPlay = true;
    this.resume();
  }

  pause(): void {
    this.wantsToPlay = false;
    this.video.pause();
    this.events.onPlaying(false);
  }

  setSpeed(speed: number): void {
    this.video.defaultPlaybackRate = speed;
    this.video.playbackRate = speed;
  }

  /** One frame forward or back; the picture stands still afterwards. */
  step(fps: number, direction: 1 | -1): void {
    this.pause();
    const { currentTime } = this.video;
    const known = this.frameS <= currentTime && currentTime - this.frameS < 2 / fps;
    this.video.currentTime = frameStep(known ? this.frameS : currentTime, fps, direction);
  }

  wallMs(): number | null {
    return this.fragments.length === 0 ? null : wallAt(this.timeline(), this.video.currentTime);
  }

  destroy(): void {
    this.listeners.abort();
    this.loading?.abort();
    window.clearTimeout(this.poll);
    this.hls?.destroy();
    this.hls = null;
    this.video.removeAttribute('src');
    this.video.load();
  }

  private watchFrames(): void {
    const { video } = this;
    if (!('requestVideoFrameCallback' in video)) return;
    video.requestVideoFrameCallback((_now, frame) => {
      this.frameS = frame.mediaTime;
      if (!this.listeners.signal.aborted) this.watchFrames();
    });
  }

  private resume(): void {
    if (this.wantsToPlay) void this.video.play().catch(() => this.events.onPlaying(false));
  }

  /** hls.js corrects where fragments lie once it has seen them; its view wins over the playlist's text. */
  private timeline(): Fragment[] {
    const details = this.hls?.latestLevelDetails;
    if (!details) return this.fragments;
    const seen = details.fragments
      .filter((f) => f.programDateTime !== null)
      .map((f) => ({ startS: f.start, durationS: f.duration, wallMs: f.programDateTime ?? 0, uri: f.relurl ?? '' }));
    return seen.length > 0 ? seen : this.fragments;
  }

  private inWindow(wallMs: number): number | null {
    const fragments = this.timeline();
    const first = fragments[0];
    if (!first || wallMs < first.wallMs) return null;
    return positionOf(fragments, wallMs);
  }

  private tellTime(): void {
    if (this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || this.video.seeking) return;
    const wall = this.wallMs();
    if (wall !== null) this.events.onTime(wall);
    const shown = fragmentAt(this.timeline(), this.video.currentTime);
    if (shown) this.events.onConverted(isConverted(shown.uri));
  }

  private showPicture(): void {
    this.freeze.hidden = true;
    this.events.onPhase('ready', null);
    this.tellTime();
  }

  /** Keeps the present picture on the screen while another window is fetched. */
  private holdPicture(): void {
    const { video, freeze } = this;
    if (video.videoWidth === 0 || !freeze.hidden) return;
    freeze.width = video.videoWidth;
    freeze.height = video.videoHeight;
    freeze.getContext('2d')?.drawImage(video, 0, 0);
    freeze.hidden = false;
  }

  private fail(problem: Problem): void {
    this.events.onPhase('problem', problem);
  }

  /** `onward`: only with something recorded at or after the moment; otherwise wait for it. */
  private async load(wallMs: number, onward = false): Promise<void> {
    this.loading?.abort();
    const loading = new AbortController();
    this.loading = loading;
    this.holdPicture();
    if (!onward) this.events.onPhase('loading', null);
    const { startMs, endMs } = windowAround(wallMs);
    const path = playlistPath(this.code, this.stream, startMs, endMs);
    try {
      const fragments = fragmentsOf(await requestText(path, { signal: loading.signal }));
      const position = positionOf(fragments, wallMs);
      if (position === null && onward) {
        this.waitForMore();
        return;
      }
      const last = fragments.at(-1);
      await this.attach(whole(path), position ?? Math.max(0, (last?.startS ?? 0) - 2), loading.signal);
      this.fragments = fragments;
    } catch (error) {
      if (loading.signal.aborted) return;
      this.fail(error instanceof Problem ? error : unreachable());
    }
  }

  private async attach(address: string, positionS: number, signal: AbortSignal): Promise<void> {
    const HlsClass = await loadHls();
    if (signal.aborted) return;
    this.hls?.destroy();
    this.hls = null;
    if (HlsClass.isSupported()) {
      const hls = new HlsClass({
        startPosition: positionS,
        maxBufferLength: 30,
        backBufferLength: 60,
        xhrSetup: (xhr) => xhr.setRequestHeader('Accept-Language', spokenLanguage()),
      });
      hls.on(HlsClass.Events.ERROR, (_event, data) => {
        // The node says why, for example that nothing more can be converted now; hls.js tries again by itself.
        const said = saidBy(data.networkDetails);
        if (said) this.fail(said);
        if (!data.fatal || said) return;
        if (data.type === HlsClass.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
        else this.fail(unreachable());
      });
      hls.loadSource(address);
      hls.attachMedia(this.video);
      this.hls = hls;
    } else {
      // iPhones before 17.1 have no Media Source of any kind and play HLS themselves.
      this.video.src = address;
      this.video.addEventListener('loadedmetadata', () => (this.video.currentTime = positionS), {
        once: true,
        signal,
      });
    }
    this.resume();
  }

  /** The window is played to its end: the next recorded moment, or wait until there is one. */
  private async goOn(): Promise<void> {
    const end = endOf(this.timeline());
    if (end === null) return;
    const next = this.events.nextRecorded(end + 1);
    if (next === null) this.waitForMore();
    else await this.load(next, true);
  }

  private waitForMore(): void {
    this.events.onPhase('waiting', null);
    window.clearTimeout(this.poll);
    this.poll = window.setTimeout(() => void this.goOn(), POLL_MS);
  }
}

/** The node's error behind a piece that was refused; null for anything else. */
function saidBy(request: unknown): Problem | null {
  if (!(request instanceof XMLHttpRequest) || request.status < 400) return null;
  if (!(request.response instanceof ArrayBuffer)) return null;
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(request.response));
    return problemFrom(request.status, body, null);
  } catch {
    return null;
  }
}
