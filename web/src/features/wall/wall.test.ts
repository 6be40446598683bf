import { describe, expect, it } from 'vitest';
import type { Stream } from '../../client/types';
import { onWall, pageOf, readWall, sizeFor } from './layout';
import { fragmentWallMs, joined } from './mp4';
import { choose } from './streams';

const camera = (code: string, enabled = true) => ({ code, enabled });

describe('the wall in the address', () => {
  it('reads sizes, cameras and pages, and drops nonsense', () => {
    expect(readWall({ tiles: '9', cameras: 'DK-01,DK-02', page: 2 })).toEqual({
      tiles: 9,
      cameras: 'DK-01,DK-02',
      page: 2,
      focus: undefined,
    });
    expect(readWall({ tiles: 7, page: -1, cameras: '' })).toEqual({
      tiles: undefined,
      cameras: undefined,
      page: undefined,
      focus: undefined,
    });
  });

  it('takes the smallest wall that holds all cameras', () => {
    expect([0, 1, 2, 6, 9, 10, 127].map(sizeFor)).toEqual([1, 1, 4, 9, 9, 16, 16]);
  });

  it('keeps the chosen order, leaves out what is gone, and shows all enabled ones without a choice', () => {
    const all = [camera('A'), camera('B', false), camera('C')];
    expect(onWall(all, 'C, X,B').map((c) => c.code)).toEqual(['C', 'B']);
    expect(onWall(all, undefined).map((c) => c.code)).toEqual(['A', 'C']);
  });

  it('fills a page with free tiles and clamps the page', () => {
    expect(pageOf(['a', 'b', 'c', 'd', 'e'], 4, 9)).toEqual({ page: 2, pages: 2, places: ['e', null, null, null] });
    expect(pageOf([], 1, 1)).toEqual({ page: 1, pages: 1, places: [null] });
  });
});

function stream(name: 'main' | 'sub', codec: string | null): Stream {
  return { name, codec_string: codec } as Stream;
}

describe('choose', () => {
  const h264Only = (mime: string) => mime.includes('avc1');

  it('plays the wanted stream when it can', () => {
    const streams = [stream('main', 'avc1.4D401F'), stream('sub', 'avc1.4D401F')];
    expect(choose(streams, 'sub', h264Only)).toEqual({ stream: 'sub', instead: false });
  });

  it('plays the other one instead of a codec the browser lacks', () => {
    const streams = [stream('main', 'hvc1.1.6.L93.B0'), stream('sub', 'avc1.4D401F')];
    expect(choose(streams, 'main', h264Only)).toEqual({ stream: 'sub', instead: true });
  });

  it('does not call it a replacement when there is no such stream', () => {
    expect(choose([stream('main', 'avc1.4D401F')], 'sub', h264Only)).toEqual({ stream: 'main', instead: false });
  });

  it('tries an unknown codec once', () => {
    const streams = [stream('main', null)];
    expect(choose(streams, 'main', h264Only)).toEqual({ stream: 'main', instead: false });
    expect(choose(streams, 'main', h264Only, ['main'])).toBeNull();
  });
});

describe('fragments', () => {
  it('reads the wall time out of prft', () => {
    const bytes = new ArrayBuffer(32);
    const view = new DataView(bytes);
    view.setUint32(0, 32);
    view.setUint32(4, 0x70726674);
    view.setUint32(16, 2_208_988_800 + 1_000);
    view.setUint32(20, 2 ** 31);
    expect(fragmentWallMs(bytes)).toBe(1_000_500);
  });

  it('knows no time without prft', () => {
    expect(fragmentWallMs(new ArrayBuffer(64))).toBeNull();
    expect(fragmentWallMs(new ArrayBuffer(4))).toBeNull();
  });

  it('joins in order', () => {
    const piece = (...bytes: number[]) => new Uint8Array(bytes).buffer;
    expect([...new Uint8Array(joined([piece(1, 2), piece(3)]))]).toEqual([1, 2, 3]);
  });
});
