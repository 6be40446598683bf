/** Wall time in the ward's zone. Instants are milliseconds since the epoch; zones are IANA names. */

export interface LocalTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat {
  let found = formats.get(zone);
  if (!found) {
    found = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(zone, found);
  }
  return found;
}

export function localTime(zone: string, ms: number): LocalTime {
  const parts: Record<string, number> = {};
  for (const part of format(zone).formatToParts(ms)) parts[part.type] = Number(part.value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return { year, month, day, hour, minute, second };
}

function asUtc(t: LocalTime): number {
  return Date.UTC(t.year, t.month - 1, t.day, t.hour, t.minute, t.second);
}

/** How far the zone is ahead of UTC at this instant, milliseconds. */
export function offsetMs(zone: string, ms: number): number {
  return asUtc(localTime(zone, ms)) - Math.floor(ms / 1000) * 1000;
}

/** The instant of a local time. In the hour that a zone skips, the time after the jump. */
export function instant(zone: string, t: LocalTime): number {
  const naive = asUtc(t);
  const first = naive - offsetMs(zone, naive);
  return naive - offsetMs(zone, first);
}

export const two = (n: number): string => String(n).padStart(2, '0');

/** 2026-11-22 */
export function localDate(zone: string, ms: number): string {
  const t = localTime(zone, ms);
  return `${t.year}-${two(t.month)}-${two(t.day)}`;
}

/** 14:05 */
export function clock(zone: string, ms: number): string {
  const t = localTime(zone, ms);
  return `${two(t.hour)}:${two(t.minute)}`;
}

/** 14:05:07 */
export function clockSeconds(zone: string, ms: number): string {
  const t = localTime(zone, ms);
  return `${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
}

/** 22/11/2026 14:05:07 */
export function fullTime(zone: string, ms: number): string {
  const t = localTime(zone, ms);
  return `${two(t.day)}/${two(t.month)}/${t.year} ${clockSeconds(zone, ms)}`;
}

/** `02:14` today, `22/11 14:05` on another day of this year, `22/11/2025 14:05` before. */
export function shortTime(zone: string, ms: number, nowMs: number): string {
  const t = localTime(zone, ms);
  const now = localTime(zone, nowMs);
  if (t.year === now.year && t.month === now.month && t.day === now.day) return clock(zone, ms);
  const year = t.year === now.year ? '' : `/${t.year}`;
  return `${two(t.day)}/${two(t.month)}${year} ${clock(zone, ms)}`;
}

/** 2026-11-22_14-05-07, for names of files. */
export function fileTime(zone: string, ms: number): string {
  return `${localDate(zone, ms)}_${clockSeconds(zone, ms).replaceAll(':', '-')}`;
}
