/** Quantities as a person says them. */

export type Language = 'vi' | 'en';

export function asLanguage(tag: string): Language {
  return tag.startsWith('en') ? 'en' : 'vi';
}

const UNITS = {
  vi: { d: 'ngày', h: 'giờ', m: 'phút', s: 'giây' },
  en: { d: 'd', h: 'h', m: 'min', s: 's' },
};

/** `12 giây`, `3 phút`, `2 giờ 10 phút`, `4 ngày 3 giờ`: at most two units, never more exact than useful. */
export function duration(seconds: number, language: Language): string {
  const unit = UNITS[language];
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} ${unit.s}`;
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
  if (s < 600) return pair(Math.floor(s / 60), unit.m, s % 60, unit.s);
  const minutes = Math.round(s / 60);
  if (minutes < 60) return `${minutes} ${unit.m}`;
  if (minutes < 1440) return pair(Math.floor(minutes / 60), unit.h, minutes % 60, unit.m);
  const hours = Math.round(minutes / 60);
  return pair(Math.floor(hours / 24), unit.d, hours % 24, unit.h);
}

export function number(value: number, language: Language, digits = 0): string {
  return value.toLocaleString(language === 'vi' ? 'vi-VN' : 'en-GB', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** 1800000 -> `1,8 Mb/s` */
export function bitRate(bps: number, language: Language): string {
  if (bps >= 1_000_000) return `${number(bps / 1_000_000, language, 1)} Mb/s`;
  return `${number(bps / 1000, language)} kb/s`;
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** 2300000000000 -> `2,3 TB`: powers of 1000, as disks are sold. */
export function byteSize(bytes: number, language: Language): string {
  let [value, unit] = [Math.max(0, bytes), 0];
  // 999,96 MB would be said as 1.000,0 MB.
  while (value >= 999.95 && unit < SIZES.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(value, language, unit < 2 || value >= 100 ? 0 : 1)} ${SIZES[unit] ?? ''}`;
}

/** 30 -> `30 ngày`, 2.43 -> `2,4 ngày` */
export function dayCount(days: number, language: Language): string {
  const whole = days >= 10 || Number.isInteger(days);
  // Never more days than there are.
  const said = whole ? number(Math.floor(days), language) : number(Math.floor(days * 10) / 10, language, 1);
  return language === 'vi' ? `${said} ngày` : `${said} ${said === '1' ? 'day' : 'days'}`;
}

const CODECS: Record<string, string> = {
  h264: 'H.264',
  h265: 'H.265',
  hevc: 'H.265',
  mpeg4: 'MPEG-4',
  alaw: 'G.711 A',
  ulaw: 'G.711 µ',
  opus: 'Opus',
};

export function codecName(codec: string): string {
  return CODECS[codec.toLowerCase()] ?? codec.toUpperCase();
}

/** `+0,1 giây`, `-12 giây`: how far a camera's clock is from the node's. */
export function clockOffset(ms: number, language: Language): string {
  const s = Math.abs(ms) / 1000;
  // What is shown as nothing has no direction.
  const sign = s < 0.05 ? '' : ms < 0 ? '−' : '+';
  return s < 60
    ? `${sign}${number(s, language, s < 10 ? 1 : 0)} ${UNITS[language].s}`
    : `${sign}${duration(s, language)}`;
}
