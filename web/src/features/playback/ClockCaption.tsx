import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { asLanguage, clockOffset, duration, number } from '../../kit/words';
import classes from './PlaybackPage.module.css';
import type { ClockNote } from './clocks';

/** Beside the time on the picture: `± 0,1 s`, a mark when that is too much, and the camera's clock when it is off. */
export function ClockCaption({ note }: { note: ClockNote }) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const { errorS, warn, offsetS } = note;
  return (
    <>
      <span
        className={classes.error}
        data-testid="clock-error"
        data-warn={warn}
        title={errorS === null ? t('playback.clockUnknownHint') : t('playback.clockErrorHint')}
      >
        {warn && <IconAlertTriangle size={16} aria-hidden />}
        {errorS === null
          ? t('playback.clockUnknown')
          : `± ${errorS < 60 ? `${number(errorS, language, 1)} s` : duration(errorS, language)}`}
      </span>
      {offsetS !== null && (
        <span data-testid="camera-clock" title={t('playback.cameraClockHint')}>
          {t('playback.cameraClock', { offset: clockOffset(offsetS * 1000, language) })}
        </span>
      )}
    </>
  );
}
