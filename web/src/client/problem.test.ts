import { describe, expect, it } from 'vitest';
import { UNREACHABLE, problemFrom } from './problem';

describe('problemFrom', () => {
  it('keeps the words and codes of the node', () => {
    const body = { kind: 'too_many', cause: 'locked', message: 'Khóa', hint: 'Chờ' };
    const problem = problemFrom(429, body, '272');
    expect(problem).toMatchObject({ kind: 'too_many', message: 'Khóa', hint: 'Chờ', status: 429, retryAfterS: 272 });
    expect(problem.cause_).toBe('locked');
  });

  it('takes anything else for a node out of reach', () => {
    expect(problemFrom(502, null, null).cause_).toBe(UNREACHABLE);
    expect(problemFrom(502, 'Bad gateway', null).cause_).toBe(UNREACHABLE);
  });

  it('does not invent a wait', () => {
    expect(problemFrom(429, { kind: 'too_many' }, 'Wed, 21 Oct').retryAfterS).toBeNull();
  });
});
