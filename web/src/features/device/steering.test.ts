import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Head, MOVE_S, Steering, velocityOf } from './steering';

/** A head whose calls are answered when the test says so. */
function slowHead() {
  const said: string[] = [];
  const open: { resolve: (value: unknown) => void; reject: (reason: unknown) => void }[] = [];
  const call = (word: string) => {
    said.push(word);
    return new Promise((resolve, reject) => open.push({ resolve, reject }));
  };
  const head: Head = {
    move: ({ pan, zoom }, seconds) => call(`move ${pan ?? `zoom ${zoom ?? 0}`} ${seconds}`),
    stop: () => call('stop'),
  };
  const settle = async (failing = false) => {
    const next = open.shift();
    if (failing) next?.reject(new Error('away'));
    else next?.resolve(null);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { head, said, settle };
}

describe('steering', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('never lets a stop overtake its move', async () => {
    const { head, said, settle } = slowHead();
    const steering = new Steering(head, () => undefined);
    steering.press({ pan: 1 });
    steering.release();
    expect(said).toEqual([`move 1 ${MOVE_S}`]);
    await settle();
    expect(said).toEqual([`move 1 ${MOVE_S}`, 'stop']);
    await settle();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(said).toHaveLength(2);
  });

  it('skips what is out of date when the line is slow', async () => {
    const { head, said, settle } = slowHead();
    const steering = new Steering(head, () => undefined);
    for (const pan of [0.1, 0.2, 0.3, 0.4]) steering.press({ pan });
    await settle();
    expect(said).toEqual([`move 0.1 ${MOVE_S}`, `move 0.4 ${MOVE_S}`]);
  });

  it('renews a held move before the camera stops by itself', async () => {
    const { head, said, settle } = slowHead();
    const steering = new Steering(head, () => undefined);
    steering.press({ pan: 1 });
    await settle();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(said).toHaveLength(2);
    await settle();
    steering.release();
    expect(said.at(-1)).toBe('stop');
  });

  it('tells what failed, gives the move up, and still stops', async () => {
    const { head, said, settle } = slowHead();
    const problems: unknown[] = [];
    const steering = new Steering(head, (problem) => problems.push(problem));
    steering.press({ pan: 1 });
    await settle(true);
    await vi.advanceTimersByTimeAsync(5_000);
    expect([said.length, problems.length]).toEqual([1, 1]);
    steering.release();
    expect(said).toHaveLength(1);
    steering.press({ zoom: 1 });
    steering.release();
    await settle(true);
    expect(said.slice(1)).toEqual([`move zoom 1 ${MOVE_S}`, 'stop']);
  });

  it('knows the keys', () => {
    expect(velocityOf('ArrowDown', 0.5)).toEqual({ pan: 0, tilt: -0.5 });
    expect(velocityOf('+', 1)).toEqual({ zoom: 1 });
    expect(velocityOf('a', 1)).toBeNull();
  });
});
