import { describe, expect, it } from 'vitest';
import { fold, matches } from './fold';
import { bitRate, byteSize, clockOffset, codecName, dayCount, duration, number } from './words';
import { clockSeconds, fullTime, instant, localDate, localTime, shortTime } from './zone';

describe('search without diacritics', () => {
  it('folds every Vietnamese letter', () => {
    expect(fold('Đường Nguyễn Trãi, ngõ Ổ Gà')).toBe('duong nguyen trai, ngo o ga');
  });

  it('finds words in any order and over several texts', () => {
    expect(matches('cho nga', 'DK-01', 'Ngã tư chợ')).toBe(true);
    expect(matches('dk-01 tu', 'DK-01', 'Ngã tư chợ')).toBe(true);
    expect(matches('ngã', 'Nga tu')).toBe(true);
    expect(matches('cau', 'DK-01', 'Ngã tư chợ')).toBe(false);
    expect(matches('  ', 'x')).toBe(true);
  });
});

describe('sizes and days', () => {
  it('are said with the unit that a disk has', () => {
    expect(byteSize(0, 'vi')).toBe('0 B');
    expect(byteSize(2_300_000_000_000, 'vi')).toBe('2,3 TB');
    expect(byteSize(2_300_000_000_000, 'en')).toBe('2.3 TB');
    expect(byteSize(999_960_000, 'en')).toBe('1.0 GB');
    expect(byteSize(256_400_000_000, 'en')).toBe('256 GB');
    expect(byteSize(-5, 'en')).toBe('0 B');
  });

  it('never promise more days than there are', () => {
    expect(dayCount(30, 'vi')).toBe('30 ngày');
    expect(dayCount(29.97, 'vi')).toBe('29 ngày');
    expect(dayCount(2.48, 'vi')).toBe('2,4 ngày');
    expect(dayCount(1, 'en')).toBe('1 day');
    expect(dayCount(0.5, 'en')).toBe('0.5 days');
  });
});

describe('quantities', () => {
  it('are said as a person says them', () => {
    expect(duration(12, 'vi')).toBe('12 giây');
    expect(duration(180, 'vi')).toBe('3 phút');
    expect(duration(187, 'vi')).toBe('3 phút 7 giây');
    expect(duration(7800, 'vi')).toBe('2 giờ 10 phút');
    expect(duration(3599.6, 'en')).toBe('1 h');
    expect(duration(86_400 * 4 + 3 * 3600, 'vi')).toBe('4 ngày 3 giờ');
    expect(duration(-1, 'en')).toBe('0 s');
  });

  it('use the separators of the language', () => {
    expect(number(1284, 'vi')).toBe('1.284');
    expect(number(27.2, 'vi', 1)).toBe('27,2');
    expect(bitRate(1_800_000, 'vi')).toBe('1,8 Mb/s');
    expect(bitRate(640_000, 'en')).toBe('640 kb/s');
    expect(clockOffset(-120, 'vi')).toBe('−0,1 giây');
    expect(clockOffset(-20, 'vi')).toBe('0,0 giây');
    expect(clockOffset(83_000, 'en')).toBe('+1 min 23 s');
    expect(codecName('h265')).toBe('H.265');
    expect([codecName('aac'), codecName('alaw'), codecName('MJPEG')]).toEqual(['AAC', 'G.711 A', 'MJPEG']);
  });
});

describe('wall time in the zone of the ward', () => {
  const zone = 'Asia/Ho_Chi_Minh';
  const ms = Date.parse('2026-11-21T19:14:07Z');

  it('is local', () => {
    expect(localDate(zone, ms)).toBe('2026-11-22');
    expect(clockSeconds(zone, ms)).toBe('02:14:07');
    expect(fullTime(zone, ms)).toBe('22/11/2026 02:14:07');
  });

  it('is short today, with the day before, with the year long ago', () => {
    const now = Date.parse('2026-11-22T10:00:00Z');
    expect(shortTime(zone, ms, now)).toBe('02:14');
    expect(shortTime(zone, ms - 86_400_000, now)).toBe('21/11 02:14');
    expect(shortTime(zone, ms - 400 * 86_400_000, now)).toBe('18/10/2025 02:14');
  });

  it('goes there and back, also where clocks are shifted', () => {
    for (const place of [zone, 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu']) {
      for (const text of ['2026-03-29T00:30:00Z', '2026-03-29T03:30:00Z', '2026-07-01T12:00:00Z', '2026-11-01T12:00:00Z']) {
        const at = Date.parse(text);
        expect(instant(place, localTime(place, at)), `${place} ${text}`).toBe(at);
      }
    }
  });
});
