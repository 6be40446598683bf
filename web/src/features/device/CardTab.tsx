import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { cardQuery } from '../../client/onvif';
import { useNode } from '../../client/queries';
import { useNow } from '../../kit/useNow';
import { asLanguage, duration } from '../../kit/words';
import { shortTime } from '../../kit/zone';
import { Asked } from './Asked';
import classes from './DevicePage.module.css';

/** What lies on the camera's own card. */
export function CardTab({ code }: { code: string }) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const { zone, skewMs } = useNode();
  const nowMs = useNow(skewMs, 60_000);
  const query = useQuery(cardQuery(code));
  return (
    <Stack gap="sm" data-testid="device-card">
      <Text size="sm" c="var(--ink-soft)">
        {t('device.cardHint')}
      </Text>
      <Asked query={query}>
        {(spans) =>
          spans.length === 0 ? (
            <Text>{t('device.cardEmpty')}</Text>
          ) : (
            <ul className={classes.lines}>
              {spans.map(({ token, source, start, end }) => (
                <li key={token} className={classes.line}>
                  <time>{start === null ? '?' : shortTime(zone, Date.parse(start), nowMs)}</time>
                  <span>– {end === null ? t('device.stillRecording') : shortTime(zone, Date.parse(end), nowMs)}</span>
                  <span>{source}</span>
                  {start !== null && end !== null ? (
                    <span className={classes.soft}>{duration((Date.parse(end) - Date.parse(start)) / 1000, language)}</span>
                  ) : null}
                </li>
              ))}
            </ul>
          )
        }
      </Asked>
    </Stack>
  );
}
