/** Names of a camera's settings and of what they can be. */
import type { TFunction } from 'i18next';
import type { EventKind, ImagingLevel } from '../../client/types';
import type { EventLine } from './events';

const LEVELS = ['brightness', 'contrast', 'saturation', 'sharpness', 'ir_cut', 'wdr', 'backlight'] as const;
const CHOICES = ['on', 'off', 'auto'] as const;

export function levelWord(name: string, t: TFunction): string {
  const known = LEVELS.find((one) => one === name);
  return known ? t(`device.level.${known}`) : name;
}

/** ON of the infrared filter is the day's picture: people say what they see. */
export function choiceWord(name: string, value: string, t: TFunction): string {
  const known = CHOICES.find((one) => one === value.toLowerCase());
  if (name === 'ir_cut' && (known === 'on' || known === 'off')) return t(known === 'on' ? 'device.day' : 'device.night');
  return known ? t(`device.choice.${known}`) : value;
}

export function eventWord(kind: EventKind, t: TFunction): string {
  return t(`device.event.${kind}`);
}

export function lineWord(line: EventLine, length: string, t: TFunction): string {
  if (line.lasting) return t('device.lasting');
  return line.endMs === null ? '' : length;
}

/** Between what a level can be. Cameras that do not tell have percent or a byte. */
export function limitsOf({ value, low, high }: Pick<ImagingLevel, 'value' | 'low' | 'high'>): [number, number] {
  return [low ?? Math.min(0, value), high ?? (value > 100 ? Math.max(255, value) : 100)];
}
