import { useCallback, useEffect, useRef } from 'react';

/** Gives each attempt its signal: the attempt before is given up, and the last one with the component. */
export function useAttempt(): { begin: () => AbortSignal; giveUp: () => void } {
  const running = useRef<AbortController | null>(null);
  const giveUp = useCallback(() => running.current?.abort(), []);
  const begin = useCallback(() => {
    running.current?.abort();
    running.current = new AbortController();
    return running.current.signal;
  }, []);
  useEffect(() => giveUp, [giveUp]);
  return { begin, giveUp };
}
