import { Loader, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { dayQuery } from '../../client/queries';
import type { Camera, PlayedName } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useNow } from '../../kit/useNow';
import { useProblemWords } from '../../kit/useProblemWords';
import { fullTime, localDate } from '../../kit/zone';
import { ClockCaption } from './ClockCaption';
import { Controls } from './Controls';
import { MissingNotice } from './MissingNotice';
import { PickBar } from './PickBar';
import classes from './PlaybackPage.module.css';
import { Timeline } from './Timeline';
import type { PlaybackSearch } from './address';
import { clockNoteAt } from './clocks';
import { type DayModel, modelOf, nextRecorded, streamAt } from './day';
import { usePlayback, useWishes } from './usePlayback';
import { useDeskKeys } from './useDeskKeys';
import { type Window, follow, opening } from './view';

interface Props {
  cameras: Camera[];
  camera: Camera;
  stream: PlayedName;
  zone: string;
  skewMs: number;
  speed: number;
  start: () => { ms: number; guess: boolean };
  onSpeed: (speed: number) => void;
  write: (change: PlaybackSearch, replace: boolean) => void;
}

const ADDRESS_EVERY_MS = 5_000;

/** One camera and stream on the desk: picture, timeline, controls. */
export function Desk(props: Props) {
  const { camera, stream, zone, skewMs, speed, write } = props;
  const { t } = useTranslation();
  const stage = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const freeze = useRef<HTMLCanvasElement>(null);
  const [start] = useState(props.start);
  const [heard, setHeard] = useState(false);
  const playback = usePlayback({ ...{ video, freeze, stream, speed }, code: camera.code, startMs: start.ms, guess: start.guess });
  const { state, dispatch } = playback;
  const nowMs = useNow(skewMs);
  const date = localDate(zone, state.wallMs);
  const { day, error } = useDay(camera.code, stream, date, date === localDate(zone, nowMs));
  useWishes(playback, day, nowMs);
  useAddress(state.wallMs, state.playing, state.pending === null, (at) => write({ at }, true));
  const shown = (day && streamAt(day, state.wallMs)) ?? 'main';
  const fps = camera.streams.find((s) => s.name === (stream === 'auto' ? shown : stream))?.fps ?? 25;
  const actions = useDeskKeys({ playback, stage, video, fps, speed, onSpeed: props.onSpeed, code: camera.code, zone });
  const note = day && clockNoteAt(day, state.wallMs);
  const { view, setView } = useView(day, state.wallMs, state.playing);

  return (
    <div className={classes.page}>
      <PickBar
        {...{ zone, nowMs, stream, camera }}
        cameras={props.cameras}
        wallMs={state.wallMs}
        onCamera={(code) => write({ camera: code, at: new Date(state.wallMs).toISOString() }, false)}
        onStream={(name) => write({ stream: name, at: new Date(state.wallMs).toISOString() }, false)}
        onWant={(ms, guess) => dispatch({ type: 'want', ms, guess })}
      />
      <div ref={stage} className={classes.stage}>
        <video
          ref={video}
          className={classes.video}
          data-testid="playback-video"
          data-phase={state.phase}
          muted={!heard}
          playsInline
          aria-label={t('wall.pictureOf', { name: camera.name })}
          onClick={actions.toggle}
        />
        <canvas ref={freeze} className={classes.freeze} hidden />
        <Overlay {...{ playback, error, zone, nowMs, day }} />
        <div className={classes.when}>
          <span className={classes.code}>{camera.code}</span>
          <time data-testid="playhead-time" data-us={Math.round(state.wallMs * 1000)}>
            {fullTime(zone, state.wallMs)}
          </time>
          {stream === 'auto' && shown === 'sub' && <span data-testid="shown-stream">{t('stream.sub')}</span>}
          {state.converted && (
            <span data-testid="converted" title={t('shown.recordedConverted')}>
              {t('shown.recordedShort')}
            </span>
          )}
          {note && <ClockCaption note={note} />}
        </div>
      </div>
      {day && view ? (
        <Timeline
          {...{ day, view, zone, nowMs }}
          playheadMs={state.wallMs}
          mark={state.mark && { startMs: state.mark.startMs, endMs: state.mark.endMs ?? state.wallMs }}
          onView={setView}
          onPick={(ms, slackMs) => dispatch({ type: 'want', ms, slackMs })}
          onMark={(mark) => dispatch({ type: 'mark', mark })}
        />
      ) : (
        <div className={classes.noTimeline} />
      )}
      <Controls {...{ actions, state, speed, zone, camera, stream, dispatch, heard }} onHeard={setHeard} onSpeed={props.onSpeed} />
    </div>
  );
}

/** The day of the moment on the screen; null while it is fetched for the first time. */
function useDay(code: string, stream: PlayedName, date: string, today: boolean) {
  const { data, error, dataUpdatedAt } = useQuery(dayQuery(code, stream, date, today));
  const day = useMemo<DayModel | null>(() => (data ? modelOf(data, dataUpdatedAt) : null), [data, dataUpdatedAt]);
  return { day, error };
}

/** Writes the moment into the address: at every jump, and every 5 s while playing. */
function useAddress(wallMs: number, playing: boolean, settled: boolean, write: (at: string) => void): void {
  const last = useRef<number | null>(null);
  const latest = useRef(write);
  useEffect(() => {
    latest.current = write;
  });
  useEffect(() => {
    if (!settled) return;
    const moved = last.current === null ? Infinity : wallMs - last.current;
    if (playing && moved >= 0 && moved < ADDRESS_EVERY_MS) return;
    if (moved === 0) return;
    last.current = wallMs;
    latest.current(new Date(Math.round(wallMs)).toISOString());
  }, [wallMs, playing, settled]);
}

/** The visible part of the day: at first what is recorded of it; it follows the running playhead. */
function useView(day: DayModel | null, wallMs: number, playing: boolean) {
  const [chosen, setChosen] = useState<{ date: string; window: Window } | null>(null);
  if (!day) return { view: null, setView: () => undefined };
  const kept = chosen?.date === day.date ? chosen.window : opening(day, day.recorded);
  const before = follow(kept, day, wallMs - 1_000) === kept;
  const view = playing && before ? follow(kept, day, wallMs) : kept;
  return { view, setView: (window: Window) => setChosen({ date: day.date, window }) };
}

interface OverlayProps {
  playback: ReturnType<typeof usePlayback>;
  error: ReturnType<typeof useDay>['error'];
  zone: string;
  nowMs: number;
  day: DayModel | null;
}

/** What stands on the picture when there is none. */
function Overlay({ playback, error, zone, nowMs, day }: OverlayProps) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const { state, dispatch } = playback;
  const to = (ms: number) => dispatch({ type: 'want', ms });
  const problem = state.problem ?? error;
  if (state.missing) return <MissingNotice missing={state.missing} zone={zone} nowMs={nowMs} onGo={to} />;
  if (problem) {
    const next = day ? nextRecorded(day, state.wallMs + 1_000) : null;
    return (
      <div className={classes.over}>
        <Notice {...say(problem)} tone="warn">
          <MissingNotice.Next nextMs={next} zone={zone} nowMs={nowMs} onGo={to} />
        </Notice>
      </div>
    );
  }
  if (state.phase === 'ready') return null;
  return (
    <div className={classes.loading} role="status">
      <Loader size="sm" color="gray.3" />
      <Text size="sm">{state.phase === 'waiting' ? t('playback.waiting') : t('playback.loading')}</Text>
    </div>
  );
}
