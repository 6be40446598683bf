import { useEffect, useState } from 'react';

/** The node's time now, milliseconds, refreshed every `everyMs`. */
export function useNow(skewMs: number, everyMs = 1000): number {
  const [own, setOwn] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setOwn(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return own + skewMs;
}
