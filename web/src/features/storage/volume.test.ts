import { describe, expect, it } from 'vitest';
import type { TFunction } from 'i18next';
import type { Forecast, Volume } from '../../client/types';
import { alarmOf, classTotal, markOf, promisedOn, sharesOf, stateWord, troubleOf } from './volume';

const ZONE = 'Asia/Ho_Chi_Minh';
// The key and what fills it: the words themselves are the dictionaries' matter.
const t = ((key: string, facts?: Record<string, string>) =>
  [key, ...Object.values(facts ?? {})].join(' | ')) as unknown as TFunction;

const iso = '2026-11-22T07:00:00Z';
const one = { name: 'standard', streams: 2, bytes_per_day: 10, promised_days: 30, sub_days: 30, needed_bytes: 300 };

function forecast(change: Partial<Forecast> = {}): Forecast {
  return {
    at: iso,
    measured_s: 86_400,
    bytes_per_day: 10,
    capacity_bytes: 100,
    needed_bytes: 300,
    missing_bytes: 0,
    days_left: 10,
    breaks_at: null,
    alarm: null,
    classes: [one],
    ...change,
  };
}

function volume(change: Partial<Volume> = {}): Volume {
  return { path: '/d', state: 'ok', total_bytes: 100, free_bytes: 40, used_bytes: 50, promised_days: 7, ...change } as Volume;
}

describe('the bar', () => {
  it('shares out the whole disk', () => {
    expect(sharesOf(volume())).toEqual({ recordings: 50, other: 10, free: 40, total: 100 });
  });

  it('never shows more than there is, and nothing of a disk that is away', () => {
    expect(sharesOf(volume({ used_bytes: 70 }))).toEqual({ recordings: 60, other: 0, free: 40, total: 100 });
    expect(sharesOf(volume({ free_bytes: 200 }))).toEqual({ recordings: 0, other: 0, free: 100, total: 100 });
    expect(sharesOf(volume({ total_bytes: 0 }))).toBeNull();
  });
});

describe('a volume in words', () => {
  it('has a mark and a word for each state, also for one that comes later', () => {
    expect(['ok', 'read_only', 'missing', 'full', 'busy'].map(markOf)).toEqual(['good', 'warn', 'bad', 'bad', 'unknown']);
    expect([stateWord('read_only', t), stateWord('busy', t)]).toEqual(['storage.state.read_only', 'busy']);
  });

  it('says what to do where something is wrong', () => {
    expect(troubleOf('missing', true, t)).toBe('storage.trouble.missingAlone');
    expect(troubleOf('missing', false, t)).toBe('storage.trouble.missing');
    expect(troubleOf('full', true, t)).toBe('storage.trouble.full');
    expect([troubleOf('ok', true, t), troubleOf('busy', true, t)]).toEqual(['', '']);
  });

  it('takes the longest promise of the classes on it', () => {
    expect(promisedOn(volume())).toBe(7);
    expect(promisedOn(volume({ forecast: forecast({ classes: [one, { ...one, sub_days: 60 }] }) }))).toBe(60);
  });

  it('has no alarm without a forecast, or with a good one', () => {
    expect(alarmOf(volume(), ZONE, 'vi', t)).toBeNull();
    expect(alarmOf(volume({ forecast: null }), ZONE, 'vi', t)).toBeNull();
    expect(alarmOf(volume({ forecast: forecast() }), ZONE, 'vi', t)).toBeNull();
  });

  it('says how much is missing', () => {
    const short = forecast({ alarm: 'cannot_hold', missing_bytes: 2.3e12 });
    expect(alarmOf(volume({ forecast: short }), ZONE, 'vi', t)).toEqual({
      tone: 'bad',
      message: 'storage.missing | 2,3 TB | 30 ngày',
      hint: 'storage.missingHint',
    });
    const unknown = forecast({ alarm: 'cannot_hold' });
    expect(alarmOf(volume({ forecast: unknown }), ZONE, 'en', t)?.message).toBe('storage.missingUnknown | 30 days');
  });

  it("says from which day of the ward's zone the promise breaks", () => {
    const soon = forecast({ alarm: 'breaks_soon', breaks_at: '2026-11-27T18:00:00Z' });
    expect(alarmOf(volume({ forecast: soon }), ZONE, 'vi', t)).toMatchObject({
      tone: 'warn',
      message: 'storage.breaks | 30 ngày | 28/11',
    });
    const sometime = forecast({ alarm: 'breaks_soon' });
    expect(alarmOf(volume({ forecast: sometime }), ZONE, 'vi', t)?.message).toBe('storage.breaksSoon | 30 ngày');
  });

  it('adds a class up over all volumes', () => {
    const volumes = [volume({ forecast: forecast() }), volume({ forecast: forecast() }), volume()];
    expect(classTotal(volumes, 'standard')).toEqual({ bytes_per_day: 20, needed_bytes: 600 });
    expect(classTotal(volumes, 'gates')).toBeNull();
  });
});
