import { Button } from '@mantine/core';
import { IconPlayerTrackNext } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Notice } from '../../kit/Notice';
import { asLanguage, duration } from '../../kit/words';
import { clockSeconds, fullTime, shortTime } from '../../kit/zone';
import classes from './PlaybackPage.module.css';
import type { Missing } from './state';

interface NextProps {
  nextMs: number | null;
  zone: string;
  nowMs: number;
  onGo: (ms: number) => void;
}

/** The next recorded moment, one click away. */
function Next({ nextMs, zone, nowMs, onGo }: NextProps) {
  const { t } = useTranslation();
  if (nextMs === null) return null;
  return (
    <Button
      mt="xs"
      size="xs"
      leftSection={<IconPlayerTrackNext size={16} />}
      title={fullTime(zone, nextMs)}
      data-testid="next-recorded"
      onClick={() => onGo(nextMs)}
    >
      {t('playback.nextRecorded', { time: shortTime(zone, nextMs, nowMs) })}
    </Button>
  );
}

/** Says why there is no picture at a moment, and offers the next one there is. */
export function MissingNotice({ missing, ...next }: Omit<NextProps, 'nextMs'> & { missing: Missing }) {
  const { t, i18n } = useTranslation();
  const { gap, atMs, nextMs } = missing;
  const { zone } = next;
  const reason = gap?.reason.replace(/\.$/, '') ?? '';
  const time = clockSeconds(zone, atMs);
  let hint = t('playback.nothingHint');
  if (gap) {
    const length = duration((gap.endMs - gap.startMs) / 1000, asLanguage(i18n.language));
    const from = clockSeconds(zone, gap.startMs);
    hint = gap.open
      ? t('playback.gapOpen', { from, length })
      : t('playback.gapSpan', { from, to: clockSeconds(zone, gap.endMs), length });
  }
  return (
    <div className={classes.over} data-testid="gap-notice">
      <Notice
        tone="warn"
        message={gap ? t('playback.gapAt', { time, reason }) : t('playback.nothingAt', { time })}
        hint={hint}
      >
        <Next nextMs={nextMs} {...next} />
      </Notice>
    </div>
  );
}

MissingNotice.Next = Next;
