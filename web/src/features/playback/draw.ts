/** Draws a day on a canvas. Every colour comes from the page's tokens, so both schemes are right. */
import type { DayModel, GapSpan } from './day';
import { type Window, ticks, xOf } from './view';

export const HEIGHT = 84;
const BAND_TOP = 20;
const BAND_HEIGHT = 34;

export interface Scene {
  day: DayModel;
  view: Window;
  nowMs: number;
  playheadMs: number | null;
  mark: Window | null;
  label: (ms: number, stepMs: number) => string;
}

interface Palette {
  ground: string;
  line: string;
  ink: string;
  soft: string;
  band: string;
  motion: string;
  gap: string;
  now: string;
  mark: string;
}

function paletteOf(canvas: HTMLCanvasElement): Palette {
  const style = getComputedStyle(canvas);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    ground: token('--timeline-ground'),
    line: token('--line'),
    ink: token('--mantine-color-text'),
    soft: token('--ink-soft'),
    band: token('--timeline-band'),
    motion: token('--timeline-motion'),
    gap: token('--state-warn'),
    now: token('--state-info'),
    mark: token('--timeline-mark'),
  };
}

class Pen {
  readonly c: CanvasRenderingContext2D;
  constructor(
    c: CanvasRenderingContext2D,
    readonly width: number,
    readonly view: Window,
    readonly palette: Palette,
  ) {
    this.c = c;
  }

  x(ms: number): number {
    return xOf(this.view, this.width, ms);
  }

  visible(span: Window): boolean {
    return span.endMs > this.view.startMs && span.startMs < this.view.endMs;
  }

  /** At least `least` pixels wide: what is short must not vanish. */
  box(span: Window, top: number, height: number, colour: string, least = 1): void {
    if (!this.visible(span)) return;
    const left = Math.max(-2, this.x(span.startMs));
    const right = Math.min(this.width + 2, this.x(span.endMs));
    this.c.fillStyle = colour;
    this.c.fillRect(left, top, Math.max(least, right - left), height);
  }

  upright(ms: number, top: number, bottom: number, colour: string, width: number): void {
    const x = Math.round(this.x(ms));
    this.c.fillStyle = colour;
    this.c.fillRect(x - width / 2, top, width, bottom - top);
  }
}

/** Slanted lines on a pale ground: readable without colour. What was not to be recorded is only a thin line. */
function hatch(pen: Pen, gap: GapSpan): void {
  if (!pen.visible(gap)) return;
  if (gap.intended) {
    pen.box(gap, BAND_TOP + BAND_HEIGHT / 2 - 1, 2, pen.palette.soft, 1);
    return;
  }
  const { c } = pen;
  const left = Math.max(0, pen.x(gap.startMs));
  const right = Math.max(left + 2, Math.min(pen.width, pen.x(gap.endMs)));
  c.save();
  c.beginPath();
  c.rect(left, BAND_TOP, right - left, BAND_HEIGHT);
  c.clip();
  c.fillStyle = pen.palette.ground;
  c.fillRect(left, BAND_TOP, right - left, BAND_HEIGHT);
  c.strokeStyle = pen.palette.gap;
  c.lineWidth = 1.5;
  c.beginPath();
  const from = Math.floor((left - BAND_HEIGHT) / 7) * 7;
  for (let x = from; x < right; x += 7) {
    c.moveTo(x, BAND_TOP + BAND_HEIGHT);
    c.lineTo(x + BAND_HEIGHT, BAND_TOP);
  }
  c.stroke();
  c.restore();
}

function drawTicks(pen: Pen, scene: Scene): void {
  const { c, palette } = pen;
  const { stepMs, at } = ticks(scene.view, scene.day.startMs, pen.width, 64);
  c.font = `12px ${getComputedStyle(c.canvas).fontFamily}`;
  c.textBaseline = 'top';
  for (const ms of at) {
    pen.upright(ms, BAND_TOP + BAND_HEIGHT, BAND_TOP + BAND_HEIGHT + 6, palette.soft, 1);
    const text = scene.label(ms, stepMs);
    const half = c.measureText(text).width / 2;
    const x = Math.min(Math.max(pen.x(ms), half + 2), pen.width - half - 2);
    c.fillStyle = palette.soft;
    c.fillText(text, x - half, BAND_TOP + BAND_HEIGHT + 9);
  }
}

/** A line with a lock at its start, above the band. */
function drawHold(pen: Pen, hold: Window): void {
  if (!pen.visible(hold)) return;
  const { c, palette } = pen;
  pen.box(hold, 12, 3, palette.ink, 2);
  const x = Math.max(0, pen.x(hold.startMs));
  c.fillStyle = palette.ink;
  c.fillRect(x, 8, 9, 7);
  c.strokeStyle = palette.ink;
  c.lineWidth = 1.6;
  c.beginPath();
  c.arc(x + 4.5, 8, 3, Math.PI, 0);
  c.stroke();
}

function drawPlayhead(pen: Pen, ms: number): void {
  const { c, palette } = pen;
  pen.upright(ms, 6, BAND_TOP + BAND_HEIGHT + 6, palette.ink, 2);
  const x = Math.round(pen.x(ms));
  c.beginPath();
  c.moveTo(x - 6, 2);
  c.lineTo(x + 6, 2);
  c.lineTo(x, 11);
  c.closePath();
  c.fillStyle = palette.ink;
  c.fill();
}

/** Draws the whole scene; `width` in CSS pixels. */
export function draw(canvas: HTMLCanvasElement, width: number, scene: Scene): void {
  const c = canvas.getContext('2d');
  if (!c || width === 0) return;
  const ratio = window.devicePixelRatio || 1;
  const wide = Math.round(width * ratio);
  const high = Math.round(HEIGHT * ratio);
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, HEIGHT);
  const palette = paletteOf(canvas);
  const pen = new Pen(c, width, scene.view, palette);
  const { day } = scene;

  pen.box({ startMs: day.startMs, endMs: Math.min(day.endMs, scene.nowMs) }, BAND_TOP, BAND_HEIGHT, palette.ground, 0);
  for (const span of day.recorded) pen.box(span, BAND_TOP + 6, BAND_HEIGHT - 6, palette.band);
  for (const span of day.motion) pen.box(span, BAND_TOP, BAND_HEIGHT, palette.motion);
  for (const gap of day.gaps) hatch(pen, gap);
  for (const hold of day.holds) drawHold(pen, hold);
  if (scene.mark) {
    pen.box(scene.mark, BAND_TOP - 4, BAND_HEIGHT + 8, palette.mark, 2);
    pen.upright(scene.mark.startMs, BAND_TOP - 6, BAND_TOP + BAND_HEIGHT + 6, palette.ink, 2);
    pen.upright(scene.mark.endMs, BAND_TOP - 6, BAND_TOP + BAND_HEIGHT + 6, palette.ink, 2);
  }
  drawTicks(pen, scene);
  if (scene.nowMs < day.endMs) pen.upright(scene.nowMs, BAND_TOP - 4, BAND_TOP + BAND_HEIGHT + 4, palette.now, 2);
  if (scene.playheadMs !== null) drawPlayhead(pen, scene.playheadMs);
}
