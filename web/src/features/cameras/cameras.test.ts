import { describe, expect, it } from 'vitest';
import type { Camera, Stream } from '../../client/types';
import { EMPTY, asChange, asNew, asProbe, formOf, isForeign, isUnheard, wrongFields } from './form';
import { counts, found } from './look';

const stream = (name: 'main' | 'sub', url: string) => ({ name, url }) as Stream;

function camera(change: Partial<Camera> = {}): Camera {
  const streams = [stream('main', 'rtsp://10.0.0.5/main'), stream('sub', 'rtsp://10.0.0.5/sub')];
  const recorded = { retention: 'standard', volume: null, mode: 'continuous', hours: '' };
  const reached = { transport: 'auto', onvif: '', onvif_events: false };
  return { code: 'DK-01', name: 'Ngã tư chợ', state: 'recording', streams, ...recorded, ...reached, ...change } as Camera;
}

describe('counts and search', () => {
  const list = [
    camera(),
    camera({ code: 'DK-02', name: 'Cổng trường', state: 'retrying' }),
    camera({ code: 'DK-03', name: 'Bờ đê', state: 'unknown' }),
    camera({ code: 'DK-04', name: 'Nhà văn hóa', state: 'disabled' }),
  ];

  it('puts each camera in exactly one group', () => {
    expect(counts(list)).toEqual({ recording: 1, standby: 0, retrying: 1, waiting: 1, disabled: 1 });
  });

  it('finds by code, name and address, inside a group', () => {
    expect(found(list, 'bo de', null).map((c) => c.code)).toEqual(['DK-03']);
    expect(found(list, '10.0.0.5', 'retrying').map((c) => c.code)).toEqual(['DK-02']);
  });
});

describe('the form', () => {
  const filled = { ...EMPTY, code: ' DK-09 ', name: 'Chợ', url: 'rtsp://10.0.0.9/1' };

  it('names what is missing', () => {
    expect(wrongFields(EMPTY)).toEqual(['code', 'name', 'url']);
    expect(wrongFields({ ...filled, subUrl: 'ftp://x' })).toEqual(['subUrl']);
    expect(wrongFields(filled)).toEqual([]);
  });

  it('takes foreign addresses, and knows them', () => {
    for (const url of ['http://10.0.0.9/mjpg', 'rtmp://10.0.0.9/live/1', 'srt://10.0.0.9:9000', 'udp://10.0.0.9:5000']) {
      expect([url, wrongFields({ ...filled, url }), isForeign(url)]).toEqual([url, [], true]);
    }
    for (const url of ['rtsp://10.0.0.9/1', 'RTSPS://10.0.0.9/1', 'file:///etc/passwd', '']) expect(isForeign(url)).toBe(false);
    expect(wrongFields({ ...filled, url: 'file:///etc/passwd' })).toEqual(['url']);
  });

  it('sends how a camera is reached only where that was changed', () => {
    const before = camera({ onvif: 'http://10.0.0.5/onvif/device_service', onvif_events: true });
    expect(asChange({ ...formOf(before), transport: 'udp', onvif: ' ' }, before)).toEqual({ transport: 'udp', onvif: '' });
    expect(asNew({ ...filled, onvif: '10.0.0.9', onvifEvents: true })).toMatchObject({ onvif: '10.0.0.9', onvif_events: true });
  });

  it('sends only what was typed', () => {
    expect(asNew(filled)).toEqual({ code: 'DK-09', name: 'Chợ', url: 'rtsp://10.0.0.9/1' });
    expect(asProbe({ ...filled, user: 'a', password: 'b' })).toEqual({
      url: 'rtsp://10.0.0.9/1',
      user: 'a',
      password: 'b',
    });
  });

  it('sends only what was changed, and keeps the password that was not typed', () => {
    const before = camera();
    expect(asChange(formOf(before), before)).toEqual({});
    expect(asChange({ ...formOf(before), name: 'Mới', subUrl: '' }, before)).toEqual({ name: 'Mới', sub_url: null });
  });

  it('sends how a camera is recorded only where that was chosen', () => {
    const chosen = { mode: 'schedule', hours: ' Mon 08:00-12:00 ', volume: '/disks/2', retention: 'gates' } as const;
    const told = { ...chosen, hours: 'Mon 08:00-12:00' };
    expect(asNew({ ...filled, ...chosen })).toMatchObject(told);
    const before = camera({ volume: '/disks/1', mode: 'motion' });
    expect(asChange({ ...formOf(before), ...chosen }, before)).toEqual(told);
    expect(asChange({ ...formOf(before), volume: '' }, before)).toEqual({ volume: null });
  });
});

describe('mode motion', () => {
  it.each([
    ['motion', '10.0.0.5', true, false],
    ['motion', '10.0.0.5', false, true],
    ['motion', ' ', true, true],
    ['continuous', '', false, false],
  ] as const)('%s with ONVIF "%s" and reports %s', (mode, onvif, onvifEvents, unheard) => {
    expect(isUnheard({ ...EMPTY, mode, onvif, onvifEvents })).toBe(unheard);
  });
});
