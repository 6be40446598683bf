import type { RefObject } from 'react';
import { saveFrame } from '../../kit/saveFrame';
import { useKeys } from '../../kit/useKeys';
import { fileTime } from '../../kit/zone';
import { faster, markAt } from './state';
import type { Playback } from './usePlayback';

interface Setup {
  playback: Playback;
  stage: RefObject<HTMLElement | null>;
  video: RefObject<HTMLVideoElement | null>;
  fps: number;
  speed: number;
  onSpeed: (speed: number) => void;
  code: string;
  zone: string;
}

export interface DeskActions {
  toggle: () => void;
  skip: (seconds: number) => void;
  step: (direction: 1 | -1) => void;
  mark: () => void;
  snapshot: () => void;
  fullScreen: () => void;
}

/** Everything that a key or a button can do with the picture. */
export function useDeskKeys({ playback, stage, video, fps, speed, onSpeed, code, zone }: Setup): DeskActions {
  const { state, dispatch, player } = playback;
  const skip = (seconds: number) => dispatch({ type: 'want', ms: state.wallMs + seconds * 1000 });
  const step = (direction: 1 | -1) => player.current?.step(fps, direction);
  const actions: DeskActions = {
    toggle: () => {
      if (state.playing) player.current?.pause();
      else player.current?.play();
    },
    skip,
    step,
    mark: () => dispatch({ type: 'mark', mark: markAt(state.mark, state.wallMs) }),
    snapshot: () => {
      if (video.current) saveFrame(video.current, `${code}_${fileTime(zone, state.wallMs)}.jpg`);
    },
    fullScreen: () => {
      if (document.fullscreenElement) void document.exitFullscreen();
      else void stage.current?.requestFullscreen().catch(() => undefined);
    },
  };
  useKeys({
    ' ': actions.toggle,
    k: actions.toggle,
    j: () => onSpeed(faster(speed, -1)),
    l: () => onSpeed(faster(speed, 1)),
    ArrowLeft: () => skip(-5),
    ArrowRight: () => skip(5),
    'Shift+ArrowLeft': () => skip(-60),
    'Shift+ArrowRight': () => skip(60),
    ',': () => step(-1),
    '.': () => step(1),
    m: actions.mark,
    f: actions.fullScreen,
    s: actions.snapshot,
  });
  return actions;
}
