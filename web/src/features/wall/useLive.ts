/** A tile's picture: which stream, and how it is doing. */
import { type RefObject, useEffect, useRef, useState } from 'react';
import { liveAddress } from '../../client/addresses';
import type { Camera, StreamName } from '../../client/types';
import { LivePlayer, type LiveReport } from './live';
import { canPlay } from './sink';
import { type Choice, choose } from './streams';

const CONNECTING: LiveReport = { state: 'connecting', cause: null, reason: null, hint: null };
const NOT_PLAYABLE: LiveReport = { state: 'failed', cause: 'codec', reason: null, hint: null };

export interface Live {
  report: LiveReport;
  choice: Choice | null;
  latencyMs: (nodeNowMs: number) => number | null;
}

/** Plays `camera` in `video` for as long as the component lives. Mount it anew for another camera. */
export function useLive(video: RefObject<HTMLVideoElement | null>, camera: Camera, wanted: StreamName): Live {
  const [report, setReport] = useState(CONNECTING);
  const [refused, setRefused] = useState<StreamName[]>([]);
  const player = useRef<LivePlayer | null>(null);
  const choice = choose(camera.streams, wanted, canPlay, refused);
  const stream = choice?.stream ?? null;
  // The language is part of the address: a change of it begins anew, in the new words.
  const address = stream === null ? null : liveAddress(camera.code, stream);

  useEffect(() => {
    const element = video.current;
    if (!element || stream === null || address === null) return;
    const made = new LivePlayer(element, address, (next) => {
      setReport(next);
      if (next.cause === 'codec') setRefused((before) => [...before, stream]);
    });
    player.current = made;
    made.start();
    return () => {
      player.current = null;
      made.stop();
    };
  }, [video, address, stream]);

  return {
    report: stream === null ? NOT_PLAYABLE : report,
    choice,
    latencyMs: (nodeNowMs) => player.current?.latencyMs(nodeNowMs) ?? null,
  };
}
