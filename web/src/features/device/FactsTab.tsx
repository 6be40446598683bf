import { Button, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { aboutQuery } from '../../client/onvif';
import { useMay, useNode } from '../../client/queries';
import type { Camera, Stream } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useNow } from '../../kit/useNow';
import { useProblemWords } from '../../kit/useProblemWords';
import { asLanguage, bitRate, codecName, number } from '../../kit/words';
import { shortTime } from '../../kit/zone';
import { ClockPane } from './ClockPane';
import classes from './DevicePage.module.css';

/** Who made it, what it sends, and its clock. */
export function FactsTab({ camera }: { camera: Camera }) {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <Stack gap="md">
      {camera.password_hint ? <Notice tone="warn" message={t('cameras.weak')} hint={camera.password_hint} /> : null}
      {camera.onvif === '' ? (
        <Notice tone="info" message={t('device.noOnvif')} hint={may('configure') ? t('device.noOnvifHint') : null} />
      ) : null}
      <Identity camera={camera} />
      {camera.streams.map((stream) => (
        <section key={stream.name}>
          <h3 className={classes.part}>{t(`stream.${stream.name}`)}</h3>
          <StreamFacts stream={stream} />
        </section>
      ))}
      {camera.onvif !== '' && may('configure') ? <ClockPane code={camera.code} /> : null}
    </Stack>
  );
}

/** What the camera said of itself; a camera that was never asked is asked now. */
function Identity({ camera }: { camera: Camera }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const { zone, skewMs } = useNode();
  const nowMs = useNow(skewMs, 60_000);
  const may = useMay();
  const mayAsk = camera.onvif !== '' && may('configure');
  const about = useQuery({ ...aboutQuery(camera.code), enabled: mayAsk && camera.identified === null });
  const told = about.data ?? camera;
  const facts: [string, string | null][] = [
    [t('device.fact.manufacturer'), told.manufacturer],
    [t('device.fact.model'), told.model],
    [t('device.fact.firmware'), told.firmware],
    [t('device.fact.serial'), told.serial],
    [t('device.fact.onvif'), camera.onvif || null],
    [t('device.fact.identified'), camera.identified === null ? null : shortTime(zone, Date.parse(camera.identified), nowMs)],
  ];
  return (
    <div data-testid="device-identity">
      <Facts facts={facts} />
      {about.error ? <Notice tone="warn" {...say(about.error)} /> : null}
      {mayAsk ? (
        <Button size="compact-xs" mt="xs" variant="subtle" loading={about.isFetching} onClick={() => void about.refetch()}>
          {t('device.readAgain')}
        </Button>
      ) : null}
    </div>
  );
}

function StreamFacts({ stream }: { stream: Stream }) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const size = stream.width && stream.height ? `${stream.width} × ${stream.height}` : null;
  const rate = stream.fps ? t('cameras.fps', { fps: number(stream.fps, language, 1) }) : null;
  const facts: [string, string | null][] = [
    [t('device.fact.url'), stream.url],
    [t('cameras.picture'), [stream.codec ? codecName(stream.codec) : null, size, rate].filter(Boolean).join(' · ') || null],
    [t('cameras.bitRate'), stream.bitrate_bps ? bitRate(stream.bitrate_bps, language) : null],
    [t('cameras.fact.audio'), stream.audio && stream.audio_codec ? codecName(stream.audio_codec) : null],
    [t('device.fact.certificate'), stream.certificate],
  ];
  return <Facts facts={facts} />;
}

export function Facts({ facts }: { facts: [string, string | null][] }) {
  return (
    <dl className={classes.facts}>
      {facts.map(([name, value]) =>
        value === null ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
