import { describe, expect, it } from 'vitest';
import { Problem } from '../../client/problem';
import { countdown, lockedUntil } from './lockout';

describe('lock-out', () => {
  it('lasts as long as the node says', () => {
    expect(lockedUntil(new Problem('too_many', 'locked', '', '', 429, 300), 1000)).toBe(301_000);
    expect(lockedUntil(new Problem('unauthenticated', 'wrong', '', '', 401), 1000)).toBeNull();
  });

  it('counts down in minutes and seconds', () => {
    expect([countdown(272), countdown(59.2), countdown(0), countdown(-3)]).toEqual(['4:32', '1:00', '0:00', '0:00']);
  });
});
