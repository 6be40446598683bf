import { SegmentedControl } from '@mantine/core';
import {
  IconArrowDown,
  IconArrowDownLeft,
  IconArrowDownRight,
  IconArrowLeft,
  IconArrowRight,
  IconArrowUp,
  IconArrowUpLeft,
  IconArrowUpRight,
  IconZoomIn,
  IconZoomOut,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { presetsQuery } from '../../client/onvif';
import type { Velocity } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';
import classes from './Head.module.css';
import { Presets } from './Presets';
import { type Pad, usePad } from './usePad';

const SPEEDS = { slow: 0.2, middle: 0.5, fast: 1 } as const;
type Speed = keyof typeof SPEEDS;

/** Steering, for cameras that turn; nothing for those that do not. */
export function Head({ code }: { code: string }) {
  const say = useProblemWords();
  const { data: presets, error } = useQuery(presetsQuery(code));
  if (error) return error.cause_ === 'not_supported' ? null : <Notice tone="warn" {...say(error)} />;
  return presets === undefined ? null : <Turning code={code} presets={presets} />;
}

function Turning({ code, presets }: React.ComponentProps<typeof Presets>) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const [speed, setSpeed] = useState<Speed>('middle');
  const pad = usePad(code, SPEEDS[speed]);
  return (
    <section className={classes.head} aria-label={t('device.head')} data-testid="ptz">
      <div className={classes.steer}>
        <Arrows pad={pad} speed={SPEEDS[speed]} />
        <div className={classes.side}>
          <SegmentedControl
            size="xs"
            aria-label={t('device.speed')}
            value={speed}
            data={(['slow', 'middle', 'fast'] as const).map((value) => ({ value, label: t(`device.speeds.${value}`) }))}
            onChange={setSpeed}
          />
          <p className={classes.hint}>{t('device.keys')}</p>
        </div>
      </div>
      {pad.problem ? <Notice {...say(pad.problem)} /> : null}
      <Presets code={code} presets={presets} />
    </section>
  );
}

const ARROWS = [
  { word: 'upLeft', pan: -1, tilt: 1, Icon: IconArrowUpLeft },
  { word: 'up', pan: 0, tilt: 1, Icon: IconArrowUp },
  { word: 'upRight', pan: 1, tilt: 1, Icon: IconArrowUpRight },
  { word: 'left', pan: -1, tilt: 0, Icon: IconArrowLeft },
  { word: 'right', pan: 1, tilt: 0, Icon: IconArrowRight },
  { word: 'downLeft', pan: -1, tilt: -1, Icon: IconArrowDownLeft },
  { word: 'down', pan: 0, tilt: -1, Icon: IconArrowDown },
  { word: 'downRight', pan: 1, tilt: -1, Icon: IconArrowDownRight },
] as const;

/** Press: it moves; let go: it stops. */
function Arrows({ pad, speed }: { pad: Pad; speed: number }) {
  const { t } = useTranslation();
  const hold = (label: string, velocity: Velocity) => ({
    type: 'button' as const,
    className: classes.key,
    'aria-label': label,
    title: label,
    onPointerDown: (event: React.PointerEvent<HTMLButtonElement>) => {
      if (event.button !== 0) return;
      // The release is heard wherever the pointer is by then.
      event.currentTarget.setPointerCapture(event.pointerId);
      pad.press(velocity);
    },
    onPointerUp: pad.release,
    onPointerCancel: pad.release,
    onLostPointerCapture: pad.release,
    // A long touch would open the browser's menu instead.
    onContextMenu: (event: React.MouseEvent) => event.preventDefault(),
    onKeyDown: (event: React.KeyboardEvent) => {
      if ((event.key === ' ' || event.key === 'Enter') && !event.repeat) pad.press(velocity);
    },
    onKeyUp: (event: React.KeyboardEvent) => {
      if (event.key === ' ' || event.key === 'Enter') pad.release();
    },
    onBlur: pad.release,
  });
  return (
    <>
      <div className={classes.pad} role="group" aria-label={t('device.direction')}>
        {ARROWS.map(({ word, pan, tilt, Icon }) => (
          <button
            key={word}
            {...hold(t(`device.arrow.${word}`), { pan: pan * speed, tilt: tilt * speed })}
            style={{ gridColumn: pan + 2, gridRow: 2 - tilt }}
            data-testid={`ptz-${word}`}
          >
            <Icon size={22} aria-hidden />
          </button>
        ))}
      </div>
      <div className={classes.zoom} role="group" aria-label={t('device.zoom')}>
        <button {...hold(t('device.zoomIn'), { zoom: speed })} data-testid="ptz-zoomIn">
          <IconZoomIn size={22} aria-hidden />
        </button>
        <button {...hold(t('device.zoomOut'), { zoom: -speed })} data-testid="ptz-zoomOut">
          <IconZoomOut size={22} aria-hidden />
        </button>
      </div>
    </>
  );
}
