import { describe, expect, it } from 'vitest';
import { rectangle } from './rectangle';

describe('rectangles on a picture', () => {
  it('are the same from every corner, and end at the edge', () => {
    const corners = [[0.25, 0.5], [0.75, 0.5], [0.75, 1], [0.25, 1]];
    expect(rectangle([0.25, 0.5], [0.75, 1])).toEqual(corners);
    expect(rectangle([0.75, 1.4], [0.25, 0.5])).toEqual(corners);
  });

  it('are none when it was a click', () => {
    expect(rectangle([0.5, 0.5], [0.51, 0.9])).toBeNull();
    expect(rectangle([1.2, 0.1], [1.5, 0.9])).toBeNull();
  });
});
