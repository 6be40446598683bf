/** Rectangles drawn on a picture, in shares of its width and height from the upper left. */

export type Point = [number, number];

/** What is smaller was a click. */
const SMALLEST = 0.02;

const clamp = (value: number) => Math.min(1, Math.max(0, value));
const round = (value: number) => Math.round(value * 1000) / 1000;

/** The corners of the rectangle between two points, or null when it is too small to be meant. */
export function rectangle(from: Point, to: Point): Point[] | null {
  const [left, right] = [from[0], to[0]].map(clamp).sort((a, b) => a - b) as [number, number];
  const [top, bottom] = [from[1], to[1]].map(clamp).sort((a, b) => a - b) as [number, number];
  if (right - left < SMALLEST || bottom - top < SMALLEST) return null;
  const [l, r, t, b] = [left, right, top, bottom].map(round) as [number, number, number, number];
  return [
    [l, t],
    [r, t],
    [r, b],
    [l, b],
  ];
}
