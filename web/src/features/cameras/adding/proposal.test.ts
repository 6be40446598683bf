import { describe, expect, it } from 'vitest';
import type { View } from '../../../client/types';
import { hostOf, nameFor, nextCode, titleOf } from './proposal';

const codes = (...all: string[]) => all.map((code) => ({ code }));

describe('what is proposed', () => {
  it('goes on with the series that most cameras are in', () => {
    expect(nextCode(codes('DK-01', 'DK-02', 'TX-9'))).toBe('DK-03');
    expect(nextCode(codes('DK-09'))).toBe('DK-10');
    expect(nextCode(codes('DK-07-02', 'DK-07-04', 'DK-08-01'))).toBe('DK-07-05');
    expect(nextCode(codes('Cổng'))).toBe('CAM-01');
    expect(nextCode([])).toBe('CAM-01');
  });

  it('names a camera as its maker does, with the lens where there are several', () => {
    const told = { manufacturer: 'AXIS', model: 'P3818', views: [{}] as View[] };
    expect(nameFor(told, 0)).toBe('AXIS P3818');
    expect(nameFor({ ...told, views: [{}, {}] as View[] }, 1)).toBe('AXIS P3818 2');
    expect(nameFor({ manufacturer: null, model: null, views: [] }, 0)).toBe('Camera');
  });

  it('tells devices apart', () => {
    expect(hostOf('http://10.0.0.5:8080/onvif/device_service')).toBe('10.0.0.5:8080');
    expect(hostOf('10.0.0.5')).toBe('10.0.0.5');
    expect(hostOf('không phải địa chỉ')).toBe('không phải địa chỉ');
    expect(titleOf({ name: 'Camera', hardware: 'P3818' })).toBe('Camera · P3818');
    expect(titleOf({ name: 'AXIS P3818', hardware: 'P3818' })).toBe('AXIS P3818');
    expect(titleOf({ name: '', hardware: '' })).toBe('');
  });
});
