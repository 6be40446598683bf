import { ActionIcon, Tooltip } from '@mantine/core';
import { IconLock, IconZoomIn, IconZoomOut } from '@tabler/icons-react';
import { type PointerEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { asLanguage, duration } from '../../kit/words';
import { clock, clockSeconds } from '../../kit/zone';
import classes from './Timeline.module.css';
import { type DayModel, hitAt, holdAt } from './day';
import { HEIGHT, draw } from './draw';
import { type Window, msOf, pan, xOf, zoomAt } from './view';

interface Props {
  day: DayModel;
  view: Window;
  zone: string;
  nowMs: number;
  playheadMs: number | null;
  mark: Window | null;
  onView: (view: Window) => void;
  onPick: (ms: number, slackMs: number) => void;
  onMark: (mark: Window) => void;
}

const CLICK_PX = 4;

interface Drag {
  x: number;
  atMs: number;
  view: Window;
  marking: boolean;
  moved: boolean;
}

/** The day of one camera: wheel zooms at the pointer, drag pans, click plays, Shift-drag marks. */
export function Timeline(props: Props) {
  const { day, view, zone, nowMs, playheadMs, mark } = props;
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [pointer, setPointer] = useState<number | null>(null);
  useWidth(box, setWidth);
  useWheel(box, props);
  const handlers = useDrag(width, props, setPointer);

  useEffect(() => {
    if (!canvas.current) return;
    const label = (ms: number, stepMs: number) => (stepMs < 60_000 ? clockSeconds(zone, ms) : clock(zone, ms));
    draw(canvas.current, width, { day, view, nowMs, playheadMs, mark, label });
  });

  const centre = (view.startMs + view.endMs) / 2;
  const pivot = playheadMs !== null && playheadMs > view.startMs && playheadMs < view.endMs ? playheadMs : centre;
  return (
    <div className={classes.row}>
      <div
        ref={box}
        className={classes.box}
        data-testid="timeline"
        role="slider"
        tabIndex={0}
        aria-label={t('playback.timeline')}
        aria-valuemin={day.startMs}
        aria-valuemax={day.endMs}
        aria-valuenow={Math.round(playheadMs ?? day.startMs)}
        aria-valuetext={playheadMs === null ? t('playback.noPosition') : clockSeconds(zone, playheadMs)}
        data-view-start={Math.round(view.startMs)}
        data-view-end={Math.round(view.endMs)}
        {...handlers}
      >
        <canvas ref={canvas} className={classes.canvas} style={{ height: HEIGHT }} />
        {pointer !== null && width > 0 ? <Hover {...{ ...props, width, x: pointer }} /> : null}
      </div>
      <div className={classes.zoom}>
        <Tooltip label={t('playback.zoomIn')}>
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={t('playback.zoomIn')}
            onClick={() => props.onView(zoomAt(view, day, pivot, 0.5))}
          >
            <IconZoomIn size={18} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label={t('playback.zoomOut')}>
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={t('playback.zoomOut')}
            onClick={() => props.onView(zoomAt(view, day, pivot, 2))}
          >
            <IconZoomOut size={18} />
          </ActionIcon>
        </Tooltip>
      </div>
    </div>
  );
}

function useWidth(box: React.RefObject<HTMLElement | null>, setWidth: (width: number) => void): void {
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [box, setWidth]);
}

/** React's own wheel listener is passive and could not keep the page from scrolling. */
function useWheel(box: React.RefObject<HTMLElement | null>, props: Props): void {
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { view, day, onView } = latest.current;
      const rect = element.getBoundingClientRect();
      const length = view.endMs - view.startMs;
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (sideways) onView(pan(view, day, (event.deltaX / rect.width) * length));
      else onView(zoomAt(view, day, msOf(view, rect.width, event.clientX - rect.left), 1.0025 ** event.deltaY));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [box]);
}

function useDrag(width: number, { view, day, onView, onPick, onMark }: Props, setPointer: (x: number | null) => void) {
  const drag = useRef<Drag | null>(null);
  const xIn = (event: PointerEvent<HTMLElement>) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      const x = xIn(event);
      event.currentTarget.setPointerCapture(event.pointerId);
      drag.current = { x, atMs: msOf(view, width, x), view, marking: event.shiftKey, moved: false };
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const x = xIn(event);
      const held = drag.current;
      setPointer(event.pointerType === 'touch' ? null : x);
      if (!held) return;
      held.moved ||= Math.abs(x - held.x) > CLICK_PX;
      if (!held.moved) return;
      if (held.marking) {
        const ms = msOf(view, width, x);
        onMark({ startMs: Math.min(ms, held.atMs), endMs: Math.max(ms, held.atMs) });
      } else {
        const perPixel = (held.view.endMs - held.view.startMs) / width;
        onView(pan(held.view, day, (held.x - x) * perPixel));
      }
    },
    onPointerUp: () => {
      const held = drag.current;
      drag.current = null;
      if (held && !held.moved) onPick(held.atMs, (CLICK_PX * (view.endMs - view.startMs)) / width);
    },
    onPointerCancel: () => {
      drag.current = null;
    },
    onPointerLeave: () => setPointer(null),
  };
}

/** The time under the pointer and, in a gap, what happened. */
function Hover({ day, view, zone, nowMs, width, x }: Props & { width: number; x: number }) {
  const { t, i18n } = useTranslation();
  const ms = msOf(view, width, x);
  const hit = hitAt(day, ms, nowMs, (CLICK_PX * (view.endMs - view.startMs)) / width);
  const hold = holdAt(day, ms);
  const left = Math.min(Math.max(xOf(view, width, ms), 90), width - 90);
  return (
    <div className={classes.hover} style={{ left }}>
      <strong>{clockSeconds(zone, ms)}</strong>
      {hit.kind === 'gap' ? (
        <span>
          {hit.gap.reason} · {duration((hit.gap.endMs - hit.gap.startMs) / 1000, asLanguage(i18n.language))}
        </span>
      ) : null}
      {hit.kind === 'nothing' ? <span>{t('playback.nothingHere')}</span> : null}
      {hold ? (
        <span className={classes.hold}>
          <IconLock size={12} aria-hidden /> {hold.reason}
        </span>
      ) : null}
    </div>
  );
}
