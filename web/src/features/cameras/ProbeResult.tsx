import { IconCircleCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Probe } from '../../client/types';
import { asLanguage, bitRate, clockOffset, codecName, number } from '../../kit/words';
import classes from './CamerasPage.module.css';
import { convertedWord, fingerprint, transportWord } from './look';

/** What the camera answered, as facts a technician checks. */
export function ProbeResult({ probe }: { probe: Probe }) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const { video, audio } = probe;
  const facts: [string, string | null][] = [
    [t('cameras.fact.codec'), codecName(video.codec)],
    [t('cameras.fact.size'), `${video.width} × ${video.height}`],
    [t('cameras.fact.fps'), video.fps === null ? null : number(video.fps, language, 1)],
    [t('cameras.fact.gop'), video.gop_s === null ? null : t('cameras.seconds', { s: number(video.gop_s, language, 1) })],
    [t('cameras.fact.bitRate'), video.bitrate_bps === null ? null : bitRate(video.bitrate_bps, language)],
    [t('cameras.fact.audio'), audio ? codecName(audio.codec) : t('cameras.noAudio')],
    [t('cameras.fact.clock'), probe.clock_offset_ms === null ? null : clockOffset(probe.clock_offset_ms, language)],
    [t('cameras.fact.transport'), transportWord(probe.transport, t)],
    [t('cameras.fact.converted'), probe.converted ? convertedWord(probe.converted, language, t) : null],
    [t('cameras.fact.certificate'), probe.certificate === null ? null : `${fingerprint(probe.certificate)}…`],
    [t('cameras.fact.server'), probe.server],
  ];
  return (
    <div className={classes.probe}>
      <div className={classes.probeTitle}>
        <IconCircleCheck size={18} aria-hidden /> {t('cameras.probeGood')}
      </div>
      {probe.picture ? (
        <img
          className={classes.still}
          src={`data:image/jpeg;base64,${probe.picture}`}
          alt={t('cameras.probePicture')}
          data-testid="probe-picture"
        />
      ) : null}
      <dl>
        {facts.map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
    </div>
  );
}
