import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { DeviceDescription, Profile, View } from '../../../client/types';
import { type Language, asLanguage, clockOffset, codecName, number } from '../../../kit/words';
import classes from './adding.module.css';

/** What the device says of itself, and which of its streams are taken. */
export function DeviceFacts({ told, view }: { told: DeviceDescription; view: View }) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const offset = told.clock_offset_s;
  const facts: [string, string | null][] = [
    [t('adding.device'), [told.manufacturer, told.model].filter(Boolean).join(' ') || null],
    [t('adding.firmware'), told.firmware],
    [t('stream.main'), streamWord(view.main, language, t)],
    [t('stream.sub'), view.sub ? streamWord(view.sub, language, t) : t('adding.noSub')],
    [t('cameras.clock'), offset === null ? t('adding.clockUnknown') : clockOffset(offset * 1000, language)],
    [t('adding.can'), canWords(told, t)],
  ];
  return (
    <dl className={classes.facts} data-testid="device-facts">
      {facts.map(([name, value]) =>
        value === null ? null : (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

function streamWord(profile: Profile, language: Language, t: TFunction): string {
  const { codec, width, height, fps } = profile;
  return [
    codec === null ? null : codecName(codec),
    width !== null && height !== null ? `${width} × ${height}` : null,
    fps === null ? null : t('cameras.fps', { fps: number(fps, language, Number.isInteger(fps) ? 0 : 1) }),
  ]
    .filter((fact) => fact !== null)
    .join(' · ');
}

const ABILITIES = ['ptz', 'events', 'imaging', 'recording'] as const;

function canWords(told: DeviceDescription, t: TFunction): string | null {
  const words = ABILITIES.filter((one) => told.abilities.includes(one)).map((one) => t(`adding.ability.${one}`));
  return words.length === 0 ? null : words.join(', ');
}
