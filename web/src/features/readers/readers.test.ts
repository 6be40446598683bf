import { describe, expect, it } from 'vitest';
import type { Camera } from '../../client/types';
import { daysOf, ffmpegLine, ready } from './addresses';

const cameras = [{ code: 'DK-01' }, { code: 'Bờ đê 2' }] as Camera[];

describe('addresses for readers', () => {
  it('are of what the reader may see', () => {
    const pattern = 'rtsp://nut.phuong:8554/CODE/main';
    expect(ready(cameras, ['DK-01'], pattern)).toEqual([{ code: 'DK-01', address: 'rtsp://nut.phuong:8554/DK-01/main' }]);
    expect(ready(cameras, null, pattern).map((one) => one.address)).toEqual([
      'rtsp://nut.phuong:8554/DK-01/main',
      'rtsp://nut.phuong:8554/B%E1%BB%9D%20%C4%91%C3%AA%202/main',
    ]);
  });

  it('keep a secret whole in a line for a terminal', () => {
    const login = ['vms', 'a%27b%40c'].join(':');
    expect(ffmpegLine('rtsp://nut:8554/DK-01/main', 'vms', "a'b@c")).toBe(
      `ffmpeg -rtsp_transport tcp -i 'rtsp://${login}@nut:8554/DK-01/main' -c copy -t 60 out.mp4`,
    );
  });

  it('may never end', () => {
    expect([daysOf(''), daysOf('30')]).toEqual([null, 30]);
  });
});
