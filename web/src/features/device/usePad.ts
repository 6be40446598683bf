/** A head steered from the page: one Steering for as long as the camera's page is open. */
import { useEffect, useRef, useState } from 'react';
import { move, stop } from '../../client/onvif';
import { Problem } from '../../client/problem';
import type { Velocity } from '../../client/types';
import { Steering, velocityOf } from './steering';

export interface Pad {
  press: (velocity: Velocity) => void;
  release: () => void;
  problem: Problem | null;
}

/** Lists, sliders and text fields have arrow keys of their own. */
function ownsArrows(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
    target.closest('[role="slider"],[role="tab"],[role="dialog"],[role="menu"],[role="listbox"],[role="radiogroup"]') !== null
  );
}

export function usePad(code: string, speed: number): Pad {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [steering] = useState(
    () =>
      new Steering({ move: (velocity, seconds) => move(code, velocity, seconds), stop: () => stop(code) }, (error) =>
        setProblem(error instanceof Problem ? error : null),
      ),
  );
  const latest = useRef(speed);
  useEffect(() => {
    latest.current = speed;
  }, [speed]);
  useEffect(() => {
    const release = () => steering.release();
    const onDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || ownsArrows(event.target)) return;
      const velocity = velocityOf(event.key, latest.current);
      if (velocity === null) return;
      event.preventDefault();
      if (event.repeat) return;
      setProblem(null);
      steering.press(velocity);
    };
    const onUp = (event: KeyboardEvent) => {
      if (velocityOf(event.key, 1) !== null) release();
    };
    window.addEventListener('keydown', onDown);
    window.addEventListener('keyup', onUp);
    // A key or finger that is let go elsewhere is not told here.
    window.addEventListener('blur', release);
    return () => {
      window.removeEventListener('keydown', onDown);
      window.removeEventListener('keyup', onUp);
      window.removeEventListener('blur', release);
      release();
    };
  }, [steering]);
  return {
    press: (velocity) => {
      setProblem(null);
      steering.press(velocity);
    },
    release: () => steering.release(),
    problem,
  };
}
