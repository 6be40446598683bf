/** A tile's picture: how it is doing, and which one it is. */
import { type RefObject, useEffect, useRef, useState } from 'react';
import { liveAddress } from '../../client/addresses';
import type { Camera, StreamName } from '../../client/types';
import { LivePlayer, type LiveReport } from './live';

const CONNECTING: LiveReport = { state: 'connecting', cause: null, reason: null, hint: null, shown: null };

export interface Live {
  report: LiveReport;
  latencyMs: (nodeNowMs: number) => number | null;
}

/** Plays `camera` in `video` for as long as the component lives; the node picks a stream, or converts one, that this browser
 *  decodes. Mount it anew for another camera. */
export function useLive(video: RefObject<HTMLVideoElement | null>, camera: Camera, wanted: StreamName): Live {
  const [report, setReport] = useState(CONNECTING);
  const player = useRef<LivePlayer | null>(null);
  const stream = camera.streams.some((s) => s.name === wanted) ? wanted : 'main';
  // The language is part of the address: a change of it begins anew, in the new words.
  const address = liveAddress(camera.code, stream);

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const made = new LivePlayer(element, address, setReport);
    player.current = made;
    made.start();
    return () => {
      player.current = null;
      made.stop();
    };
  }, [video, address]);

  return { report, latencyMs: (nodeNowMs) => player.current?.latencyMs(nodeNowMs) ?? null };
}
