/** A volume as the page says it: mark, shares of the bar, and the alarm in words. */
import type { TFunction } from 'i18next';
import type { ClassForecast, Volume } from '../../client/types';
import type { Mark } from '../../kit/StateMark';
import { type Language, byteSize, dayCount } from '../../kit/words';
import { localTime, two } from '../../kit/zone';

const MARKS: Record<string, Mark> = { ok: 'good', read_only: 'warn', full: 'bad', missing: 'bad' };

export function markOf(state: string): Mark {
  return MARKS[state] ?? 'unknown';
}

export function stateWord(state: string, t: TFunction): string {
  if (state === 'ok' || state === 'read_only' || state === 'full' || state === 'missing') return t(`storage.state.${state}`);
  return state;
}

/** What to do about a volume that is not as it should be; empty when all is well. */
export function troubleOf(state: string, alone: boolean, t: TFunction): string {
  if (state === 'missing') return t(alone ? 'storage.trouble.missingAlone' : 'storage.trouble.missing');
  return state === 'read_only' || state === 'full' ? t(`storage.trouble.${state}`) : '';
}

export interface Shares {
  /** Bytes of recordings, of everything else, and free. */
  recordings: number;
  other: number;
  free: number;
  total: number;
}

/** Null while the disk is away. Recordings and free space are measured at different moments: they never exceed the total. */
export function sharesOf(volume: Pick<Volume, 'total_bytes' | 'free_bytes' | 'used_bytes'>): Shares | null {
  const total = volume.total_bytes;
  if (total <= 0) return null;
  const free = Math.min(volume.free_bytes, total);
  const recordings = Math.min(volume.used_bytes, total - free);
  return { recordings, other: total - free - recordings, free, total };
}

/** The longest promise that the volume has to hold, days; null when nothing is promised there. */
export function promisedOn(volume: Pick<Volume, 'promised_days' | 'forecast'>): number | null {
  const days = (volume.forecast?.classes ?? []).flatMap((one) => [one.promised_days, one.sub_days]);
  return days.length === 0 ? volume.promised_days : Math.max(...days);
}

export interface Alarm {
  tone: 'bad' | 'warn';
  message: string;
  hint: string;
}

/** The forecast's alarm as a sentence; null when there is none. */
export function alarmOf(volume: Volume, zone: string, language: Language, t: TFunction): Alarm | null {
  const forecast = volume.forecast;
  if (!forecast?.alarm) return null;
  const days = dayCount(promisedOn(volume) ?? 0, language);
  if (forecast.alarm === 'cannot_hold') {
    const size = byteSize(forecast.missing_bytes, language);
    const message = forecast.missing_bytes > 0 ? t('storage.missing', { size, days }) : t('storage.missingUnknown', { days });
    return { tone: 'bad', message, hint: t('storage.missingHint') };
  }
  const message =
    forecast.breaks_at === null
      ? t('storage.breaksSoon', { days })
      : t('storage.breaks', { days, date: shortDate(zone, Date.parse(forecast.breaks_at)) });
  return { tone: 'warn', message, hint: t('storage.breaksHint') };
}

/** 28/11 */
function shortDate(zone: string, ms: number): string {
  const { day, month } = localTime(zone, ms);
  return `${two(day)}/${two(month)}`;
}

/** What all volumes together need for one class; null while one has measured for less than an hour, or none knows. */
export function classTotal(volumes: readonly Volume[], name: string): Pick<ClassForecast, 'bytes_per_day' | 'needed_bytes'> | null {
  const known = volumes.flatMap(({ forecast }) => (forecast ? [forecast] : []));
  if (known.some((forecast) => forecast.days_left === null && forecast.bytes_per_day > 0)) return null;
  const found = known.flatMap((forecast) => forecast.classes.filter((one) => one.name === name));
  if (found.length === 0) return null;
  const sum = (pick: (one: ClassForecast) => number) => found.reduce((total, one) => total + pick(one), 0);
  return { bytes_per_day: sum((one) => one.bytes_per_day), needed_bytes: sum((one) => one.needed_bytes) };
}
