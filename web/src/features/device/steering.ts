/** Steering a camera's head: press, hold, release. Free of React.
 *
 * Promises   the newest wish wins and goes out after the call before it has been answered, so a stop never overtakes
 *            its move; a held move is renewed, and the camera stops by itself when this page is gone.
 * Does not   know how the node is asked. */
import type { Velocity } from '../../client/types';

/** A move lasts this long unless it is renewed: what a head goes on when the browser breaks down. */
export const MOVE_S = 2;
const RENEW_MS = 1_000;

export interface Head {
  move: (velocity: Velocity, seconds: number) => Promise<unknown>;
  stop: () => Promise<unknown>;
}

export class Steering {
  private wanted: Velocity | null = null;
  private due = false;
  private busy = false;
  private renewal: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly head: Head,
    private readonly onProblem: (problem: unknown) => void,
  ) {}

  press(velocity: Velocity): void {
    this.wanted = velocity;
    this.ask();
  }

  /** Nothing happens when nothing was pressed. */
  release(): void {
    if (this.wanted === null) return;
    this.wanted = null;
    this.ask();
  }

  private ask(): void {
    clearTimeout(this.renewal);
    this.due = true;
    if (!this.busy) void this.work();
  }

  private async work(): Promise<void> {
    this.busy = true;
    while (this.due) {
      this.due = false;
      await this.say(this.wanted);
    }
    this.busy = false;
    if (this.wanted !== null) this.renewal = setTimeout(() => this.ask(), RENEW_MS);
  }

  private async say(wanted: Velocity | null): Promise<void> {
    try {
      await (wanted === null ? this.head.stop() : this.head.move(wanted, MOVE_S));
    } catch (problem) {
      // A move that failed is not repeated by itself; a release that came meanwhile still stops the head.
      if (this.wanted === wanted) this.wanted = null;
      this.onProblem(problem);
    }
  }
}

/** Unit steps of the arrow keys and of + and -; null for other keys. */
export function velocityOf(key: string, speed: number): Velocity | null {
  switch (key) {
    case 'ArrowLeft':
      return { pan: -speed, tilt: 0 };
    case 'ArrowRight':
      return { pan: speed, tilt: 0 };
    case 'ArrowUp':
      return { pan: 0, tilt: speed };
    case 'ArrowDown':
      return { pan: 0, tilt: -speed };
    case '+':
    case '=':
      return { zoom: speed };
    case '-':
      return { zoom: -speed };
    default:
      return null;
  }
}
