/** Ties the player to the page: wishes go in, the moment on the screen comes out. */
import { type Dispatch, type RefObject, useEffect, useReducer, useRef } from 'react';
import type { PlayedName } from '../../client/types';
import { ArchivePlayer } from './archivePlayer';
import { type DayModel, hitAt, land, nextRecorded } from './day';
import { type PlaybackAction, type PlaybackState, initialState, reduce } from './state';

interface Setup {
  video: RefObject<HTMLVideoElement | null>;
  freeze: RefObject<HTMLCanvasElement | null>;
  code: string;
  stream: PlayedName;
  startMs: number;
  /** The start is our guess, not the user's wish. */
  guess: boolean;
  speed: number;
}

export interface Playback {
  state: PlaybackState;
  dispatch: Dispatch<PlaybackAction>;
  player: RefObject<ArchivePlayer | null>;
  /** Tell it the day that is loaded; wishes for that day are then fulfilled. */
  dayRef: RefObject<DayModel | null>;
}

export function usePlayback({ video, freeze, code, stream, startMs, guess, speed }: Setup): Playback {
  const [state, dispatch] = useReducer(reduce, null, () => initialState(startMs, guess));
  const player = useRef<ArchivePlayer | null>(null);
  const dayRef = useRef<DayModel | null>(null);
  const first = useRef(startMs);

  useEffect(() => {
    if (!video.current || !freeze.current) return;
    const made = new ArchivePlayer(video.current, freeze.current, code, stream, {
      onTime: (ms) => dispatch({ type: 'time', ms }),
      onPhase: (phase, problem) => dispatch({ type: 'phase', phase, problem }),
      onPlaying: (playing) => dispatch({ type: 'playing', playing }),
      onConverted: (converted) => dispatch({ type: 'converted', converted }),
      nextRecorded: (ms) => onward(dayRef.current, ms),
    });
    player.current = made;
    dispatch({ type: 'want', ms: first.current, guess });
    return () => {
      player.current = null;
      made.destroy();
    };
  }, [video, freeze, code, stream, guess]);

  useEffect(() => player.current?.setSpeed(speed), [speed]);
  return { state, dispatch, player, dayRef };
}

/** What follows a moment: on this day, or from the next midnight if that has passed. */
function onward(day: DayModel | null, ms: number): number | null {
  if (!day || ms >= day.endMs) return ms;
  const next = nextRecorded(day, ms);
  if (next !== null) return next;
  return day.endMs < Date.now() ? day.endMs : null;
}

/** Fulfils the pending wish as soon as its day is known. */
export function useWishes({ state, dispatch, player, dayRef }: Playback, day: DayModel | null, nowMs: number) {
  const { pending } = state;
  const now = useRef(nowMs);
  useEffect(() => {
    now.current = nowMs;
    dayRef.current = day;
  });
  useEffect(() => {
    if (!pending || !day || pending.ms < day.startMs || pending.ms >= day.endMs) return;
    const { ms, guess, slackMs } = pending;
    const hit = hitAt(day, ms, now.current, slackMs);
    const nextMs = nextRecorded(day, ms);
    // Between the last span on disk and now there is no gap, only what is not written yet.
    const soon = hit.kind === 'future' || (hit.kind === 'nothing' && nextMs === null && now.current - ms < 60_000);
    const to = guess || soon ? land(day, ms) : hit.kind === 'recorded' ? ms : null;
    if (to === null) {
      const gap = hit.kind === 'gap' ? hit.gap : null;
      const next = gap ? nextRecorded(day, gap.endMs) : nextMs;
      player.current?.pause();
      dispatch({ type: 'missing', missing: { atMs: ms, gap, nextMs: next } });
    } else {
      dispatch({ type: 'landed', ms: to });
      void player.current?.seek(to);
    }
  }, [pending, day, dispatch, player]);
}
