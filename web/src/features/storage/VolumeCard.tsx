import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useNode } from '../../client/queries';
import type { Forecast, Volume } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { StateMark } from '../../kit/StateMark';
import { type Language, asLanguage, byteSize, dayCount } from '../../kit/words';
import { fullTime, shortTime } from '../../kit/zone';
import { useNow } from '../../kit/useNow';
import classes from './StoragePage.module.css';
import { type Shares, alarmOf, markOf, promisedOn, sharesOf, stateWord, troubleOf } from './volume';

interface Props {
  volume: Volume;
  /** There is no other one that could step in. */
  alone: boolean;
}

export function VolumeCard({ volume, alone }: Props) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const { zone } = useNode();
  const shares = sharesOf(volume);
  const alarm = alarmOf(volume, zone, language, t);
  const trouble = troubleOf(volume.state, alone, t);
  return (
    <section className={classes.card} data-testid={`volume-${volume.path}`} aria-label={volume.path}>
      <div className={classes.head}>
        <h2 className={classes.path} title={volume.path}>
          {volume.path}
        </h2>
        <StateMark mark={markOf(volume.state)} word={stateWord(volume.state, t)} />
      </div>
      {alarm ? <Notice {...alarm} /> : null}
      {trouble === '' ? null : <Text size="sm">{trouble}</Text>}
      {shares ? <Bar shares={shares} language={language} /> : null}
      {volume.state === 'missing' ? null : <Facts volume={volume} language={language} zone={zone} />}
    </section>
  );
}

function Bar({ shares, language }: { shares: Shares; language: Language }) {
  const { t } = useTranslation();
  const size = (bytes: number) => byteSize(bytes, language);
  const width = (bytes: number) => ({ width: `${(bytes / shares.total) * 100}%` });
  return (
    <div>
      <div className={classes.bar} aria-hidden>
        <span className={classes.recordings} style={width(shares.recordings)} />
        <span className={classes.other} style={width(shares.other)} />
      </div>
      <ul className={classes.legend}>
        <li data-share="recordings">
          {t('storage.recordings')} <strong>{size(shares.recordings)}</strong>
        </li>
        <li data-share="other">
          {t('storage.other')} <strong>{size(shares.other)}</strong>
        </li>
        <li data-share="free">
          {t('storage.free')}{' '}
          <strong>{t('storage.ofTotal', { free: size(shares.free), total: size(shares.total) })}</strong>
        </li>
      </ul>
    </div>
  );
}

function Facts({ volume, language, zone }: { volume: Volume; language: Language; zone: string }) {
  const { t } = useTranslation();
  const { skewMs } = useNode();
  const nowMs = useNow(skewMs, 60_000);
  const promised = promisedOn(volume);
  const oldestMs = volume.oldest === null ? null : Date.parse(volume.oldest);
  const forecast = volume.forecast ?? null;
  return (
    <dl className={classes.facts}>
      <div>
        <dt>{t('storage.promised')}</dt>
        <dd>{promised === null ? '–' : dayCount(promised, language)}</dd>
      </div>
      <div>
        <dt>{t('storage.canHold')}</dt>
        <dd data-testid="can-hold" data-alarm={forecast?.alarm ?? undefined}>
          {canHold(forecast, language) ?? t('storage.noForecast')}
        </dd>
      </div>
      <div>
        <dt>{t('storage.oldest')}</dt>
        <dd title={oldestMs === null ? undefined : fullTime(zone, oldestMs)}>
          {oldestMs === null ? t('storage.nothingYet') : shortTime(zone, oldestMs, nowMs)}
        </dd>
      </div>
      {forecast && forecast.days_left !== null ? (
        <>
          <div>
            <dt>{t('storage.perDay')}</dt>
            <dd>{byteSize(forecast.bytes_per_day, language)}</dd>
          </div>
          <div>
            <dt>{t('storage.needed')}</dt>
            <dd>
              {t('storage.neededOf', {
                needed: byteSize(forecast.needed_bytes, language),
                capacity: byteSize(forecast.capacity_bytes, language),
              })}
            </dd>
          </div>
        </>
      ) : null}
    </dl>
  );
}

/** A disk that holds years needs no more exact word. */
function canHold(forecast: Forecast | null, language: Language): string | null {
  if (!forecast || forecast.days_left === null) return null;
  return forecast.days_left > 3650 ? `> ${dayCount(3650, language)}` : dayCount(forecast.days_left, language);
}
