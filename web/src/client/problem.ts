/** What went wrong, in the words the node chose. A problem made in the browser has an empty message: the page
 *  that shows it says it in the user's language by its cause. */
export class Problem extends Error {
  constructor(
    readonly kind: string,
    readonly cause_: string,
    message: string,
    readonly hint: string,
    readonly status: number,
    /** Seconds to wait before asking again, from Retry-After; null when the node did not say. */
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
    this.name = 'Problem';
  }
}

export const UNREACHABLE = 'unreachable';

export function unreachable(): Problem {
  return new Problem('unavailable', UNREACHABLE, '', '', 0);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Reads an error answer; anything that is not the node's error shape (a proxy's page, an empty body) counts as
 *  the node being out of reach. */
export function problemFrom(status: number, body: unknown, retryAfter: string | null): Problem {
  if (typeof body !== 'object' || body === null || !('kind' in body)) return unreachable();
  const fields = body as Record<string, unknown>;
  const seconds = retryAfter === null ? NaN : Number.parseInt(retryAfter, 10);
  return new Problem(
    text(fields.kind),
    text(fields.cause),
    text(fields.message),
    text(fields.hint),
    status,
    Number.isFinite(seconds) ? seconds : null,
  );
}
