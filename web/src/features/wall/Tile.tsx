import { ActionIcon, Tooltip } from '@mantine/core';
import { IconArrowsMaximize, IconArrowsMinimize, IconCamera, IconHistory, IconInfoCircle, IconVolume, IconVolumeOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { type RefObject, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { snapshotPath, whole } from '../../client/addresses';
import { useNode } from '../../client/queries';
import type { Camera, StreamName } from '../../client/types';
import { StateMark } from '../../kit/StateMark';
import { saveFrame } from '../../kit/saveFrame';
import { useNow } from '../../kit/useNow';
import { fileTime, fullTime, shortTime } from '../../kit/zone';
import { asLanguage, bitRate, codecName, number } from '../../kit/words';
import classes from './Tile.module.css';
import type { LiveReport } from './live';
import { type Shown, audible, costOf, noteOf } from './shown';
import { useLive } from './useLive';
import { lookOf, sayFailure } from './words';

interface Props {
  camera: Camera;
  wanted: StreamName;
  large: boolean;
  mayPlayBack: boolean;
  onLarge: () => void;
}

/** One camera of the wall. Give it the camera's code as its key. */
export function Tile({ camera, wanted, large, mayPlayBack, onLarge }: Props) {
  const { t } = useTranslation();
  const { zone, skewMs } = useNode();
  const nowMs = useNow(skewMs, 10_000);
  const video = useRef<HTMLVideoElement>(null);
  const live = useLive(video, camera, wanted);
  const { report } = live;
  const { shown } = report;
  // Off until somebody wants it: sixteen cameras at once are noise.
  const [heard, setHeard] = useState(false);
  const note = noteOf(shown, t);
  const sinceMs = camera.since === null || camera.state === 'recording' ? null : Date.parse(camera.since);
  const since = sinceMs === null ? '' : shortTime(zone, sinceMs, nowMs);
  const look = lookOf(report, camera, since, t);

  return (
    <section
      className={classes.tile}
      data-testid={`tile-${camera.code}`}
      data-large={large}
      aria-label={`${camera.code} ${camera.name}: ${look.word}`}
      onDoubleClick={onLarge}
    >
      <video
        ref={video}
        className={classes.video}
        data-testid={`tile-video-${camera.code}`}
        data-state={report.state}
        data-stream={shown?.stream}
        data-converted={shown?.video_as ?? undefined}
        muted={!heard}
        playsInline
        autoPlay
        aria-label={t('wall.pictureOf', { name: camera.name })}
      />
      {report.state === 'failed' ? <Failure camera={camera} report={report} since={sinceMs} {...{ video, nowMs }} /> : null}
      <div className={classes.top}>
        <div className={classes.caption}>
          <span className={classes.code}>{camera.code}</span>
          <span className={classes.name} title={camera.name}>
            {camera.name}
          </span>
        </div>
        <div className={classes.corner}>
          {shown && !note ? <span className={classes.tag}>{t(`stream.${shown.stream}Short`)}</span> : null}
          {note ? (
            <span className={classes.note} title={note.long} data-testid={`shown-${camera.code}`}>
              {large ? note.long : note.short}
            </span>
          ) : null}
          <span className={classes.state}>
            <StateMark mark={look.mark} word={look.word} />
          </span>
        </div>
      </div>
      <Controls {...{ camera, large, mayPlayBack, onLarge, video, latencyMs: live.latencyMs, shown, heard }}
        onHeard={setHeard}
      />
    </section>
  );
}

interface ControlsProps extends Omit<Props, 'wanted'> {
  video: RefObject<HTMLVideoElement | null>;
  latencyMs: (nodeNowMs: number) => number | null;
  shown: Shown | null;
  heard: boolean;
  onHeard: (heard: boolean) => void;
}

function Controls({ camera, large, mayPlayBack, onLarge, video, latencyMs, shown, heard, onHeard }: ControlsProps) {
  const { t } = useTranslation();
  const { zone, skewMs } = useNode();
  const snapshot = () => {
    if (video.current) saveFrame(video.current, `${camera.code}_${fileTime(zone, Date.now() + skewMs)}.jpg`);
  };
  const action = { variant: 'filled', color: 'dark.7', size: 'lg', className: classes.action } as const;
  return (
    <div className={classes.controls} onDoubleClick={(event) => event.stopPropagation()}>
      <Facts {...{ camera, latencyMs, shown }} />
      {audible(shown) ? <Hear {...{ camera, heard, onHeard }} /> : null}
      <Tooltip label={t('wall.snapshot')}>
        <ActionIcon {...action} aria-label={`${t('wall.snapshot')}: ${camera.code}`} onClick={snapshot}>
          <IconCamera size={18} />
        </ActionIcon>
      </Tooltip>
      {mayPlayBack ? (
        <Tooltip label={t('wall.toPlayback')}>
          <ActionIcon
            {...action}
            renderRoot={(props) => <Link to="/playback" search={{ camera: camera.code }} {...props} />}
            aria-label={`${t('wall.toPlayback')}: ${camera.code}`}
          >
            <IconHistory size={18} />
          </ActionIcon>
        </Tooltip>
      ) : null}
      <Tooltip label={large ? t('wall.small') : t('wall.large')}>
        <ActionIcon
          {...action}
          aria-label={`${large ? t('wall.small') : t('wall.large')}: ${camera.code}`}
          onClick={onLarge}
        >
          {large ? <IconArrowsMinimize size={18} /> : <IconArrowsMaximize size={18} />}
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

function Hear({ camera, heard, onHeard }: Pick<ControlsProps, 'camera' | 'heard' | 'onHeard'>) {
  const { t } = useTranslation();
  const label = heard ? t('wall.soundOff') : t('wall.soundOn');
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="filled"
        color="dark.7"
        size="lg"
        className={classes.action}
        aria-label={`${label}: ${camera.code}`}
        data-testid={`sound-${camera.code}`}
        onClick={() => onHeard(!heard)}
      >
        {heard ? <IconVolume size={18} /> : <IconVolumeOff size={18} />}
      </ActionIcon>
    </Tooltip>
  );
}

/** Latency, size and bit rate, under one "i". */
function Facts({ camera, latencyMs, shown }: Pick<ControlsProps, 'camera' | 'latencyMs' | 'shown'>) {
  const { t, i18n } = useTranslation();
  const { skewMs } = useNode();
  const language = asLanguage(i18n.language);
  const [text, setText] = useState('');
  const read = () => {
    const stream = camera.streams.find((s) => s.name === shown?.stream);
    const late = latencyMs(Date.now() + skewMs);
    const facts = [
      late === null ? null : t('wall.latency', { value: number(Math.max(0, late) / 1000, language, 1) }),
      stream?.codec ? codecName(stream.codec) : null,
      stream?.width && stream.height ? `${stream.width} × ${stream.height}` : null,
      stream?.bitrate_bps ? bitRate(stream.bitrate_bps, language) : null,
      shown?.video_as ? t('shown.as', { as: codecName(shown.video_as), size: `${shown.width} × ${shown.height}` }) : null,
      ...costOf(shown, t),
    ];
    setText(facts.filter((fact) => fact !== null).join(' · ') || t('wall.noFacts'));
  };
  return (
    <Tooltip label={text} openDelay={0} events={{ hover: true, focus: true, touch: true }}>
      <ActionIcon
        variant="filled"
        color="dark.7"
        size="lg"
        className={classes.action}
        aria-label={`${t('wall.facts')}: ${camera.code}. ${text}`}
        onMouseEnter={read}
        onFocus={read}
        onClick={read}
      >
        <IconInfoCircle size={18} />
      </ActionIcon>
    </Tooltip>
  );
}

interface FailureProps {
  camera: Camera;
  report: LiveReport;
  since: number | null;
  nowMs: number;
  video: RefObject<HTMLVideoElement | null>;
}

/** The last still, greyed, with why, since when and what to do. */
function Failure({ camera, report, since, video, nowMs }: FailureProps) {
  const { t } = useTranslation();
  const { zone } = useNode();
  // The last live frame stays in the <video>; only a tile that never had one asks the node for a still.
  const [hadFrame] = useState(() => (video.current?.videoWidth ?? 0) > 0);
  const [still, setStill] = useState(true);
  const said = sayFailure(report, camera, t);
  return (
    <div className={classes.failure}>
      {still && !hadFrame && report.cause !== 'forbidden' ? (
        <img
          className={classes.still}
          src={whole(snapshotPath(camera.code, 'main'))}
          alt={t('wall.lastStill')}
          onError={() => setStill(false)}
        />
      ) : null}
      <div className={classes.why} role="status">
        <strong>{said.message}</strong>
        {since === null ? null : (
          <span title={fullTime(zone, since)}>
            {t('wall.since', { since: shortTime(zone, since, nowMs) })}
          </span>
        )}
        {said.hint === '' ? null : <span className={classes.hint}>{said.hint}</span>}
      </div>
    </div>
  );
}
