import { Stack, Text } from '@mantine/core';
import { IconBellRinging, IconEyeOff, IconWalk } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { eventsQuery } from '../../client/onvif';
import { useNode } from '../../client/queries';
import type { Camera, EventKind } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useNow } from '../../kit/useNow';
import { asLanguage, duration } from '../../kit/words';
import { fullTime, shortTime } from '../../kit/zone';
import { Asked } from './Asked';
import classes from './DevicePage.module.css';
import { lines } from './events';
import { eventWord, lineWord } from './words';

const DAY_MS = 86_400_000;
/** A list longer than this is not read. */
const MOST = 200;
/** Playback begins a little before, so that one sees how it came about. */
const BEFORE_MS = 5_000;
const ICONS: Record<EventKind, typeof IconWalk> = { motion: IconWalk, tamper: IconEyeOff, input: IconBellRinging };

/** What the camera reported within the last day, each with its way into the recording. */
export function EventsTab({ camera }: { camera: Camera }) {
  const { t } = useTranslation();
  const { skewMs } = useNode();
  const query = useQuery(eventsQuery(camera.code, DAY_MS, skewMs));
  return (
    <Stack gap="sm" data-testid="device-events">
      {camera.onvif_events ? null : <Notice tone="info" message={t('device.eventsOff')} hint={t('device.eventsOffHint')} />}
      <Asked query={query}>{(events) => <Lines camera={camera} all={lines(events)} />}</Asked>
    </Stack>
  );
}

function Lines({ camera, all }: { camera: Camera; all: ReturnType<typeof lines> }) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const { zone, skewMs } = useNode();
  const nowMs = useNow(skewMs, 60_000);
  if (all.length === 0) return camera.onvif_events ? <Text>{t('device.noEvents')}</Text> : null;
  return (
    <>
      <ul className={classes.lines}>
        {all.slice(0, MOST).map((line) => {
          const Icon = ICONS[line.kind];
          const length = line.endMs === null ? '' : duration((line.endMs - line.startMs) / 1000, language);
          return (
            <li key={line.key}>
              <Link
                to="/playback"
                search={{ camera: camera.code, at: new Date(line.startMs - BEFORE_MS).toISOString() }}
                className={classes.line}
                title={`${t('device.playMoment')}: ${fullTime(zone, line.startMs)}`}
              >
                <Icon size={18} aria-hidden />
                <time>{shortTime(zone, line.startMs, nowMs)}</time>
                <span>{eventWord(line.kind, t)}</span>
                <span className={classes.soft}>{lineWord(line, length, t)}</span>
              </Link>
            </li>
          );
        })}
      </ul>
      {all.length > MOST ? <Text size="sm">{t('device.moreEvents', { count: all.length - MOST })}</Text> : null}
    </>
  );
}
