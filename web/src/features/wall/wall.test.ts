import type { TFunction } from 'i18next';
import { describe, expect, it } from 'vitest';
import { namesOf } from '../../client/codecs';
import { onWall, pageOf, readWall, sizeFor } from './layout';
import { fragmentWallMs, joined } from './mp4';
import { type Shown, audible, costOf, noteOf } from './shown';

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

const SHOWN: Shown = {
  ...{ stream: 'main', instead: false, codec: 'h265', sound: null, video_as: null, sound_as: null },
  ...{ width: 1280, height: 720, cpu: 0.314, busy: 1, places: 2, cause: null, reason: null, hint: null },
};
// The keys and what is filled in, instead of sentences.
const t = ((key: string, values?: object) => key + JSON.stringify(values ?? '')) as unknown as TFunction;

describe('which picture is shown', () => {
  it('says nothing of the wanted one as it is', () => {
    expect(noteOf(SHOWN, t)).toBeNull();
    expect(noteOf(null, t)).toBeNull();
    expect(costOf(SHOWN, t)).toEqual([]);
  });

  it('says that it is converted, and what that costs', () => {
    const shown = { ...SHOWN, video_as: 'h264', sound: 'alaw', sound_as: 'aac' };
    expect(noteOf(shown, t)?.short).toBe('shown.converted{"codec":"H.265","as":"H.264"}');
    expect(costOf(shown, t)).toEqual([
      'shown.cost{"percent":31,"busy":1,"places":2}',
      'shown.sound{"codec":"G.711 A","as":"AAC"}',
    ]);
    expect(audible(shown)).toBe(true);
    expect(audible({ ...shown, sound_as: 'none' })).toBe(false);
  });

  it('says that it is the other stream', () => {
    expect(noteOf({ ...SHOWN, stream: 'sub', instead: true, codec: 'h264' }, t)?.short).toBe('shown.instead""');
  });

  it('leaves words for a picture that is not there to the failure', () => {
    expect(noteOf({ ...SHOWN, video_as: 'h264', cause: 'renditions_full' }, t)).toBeNull();
  });
});

describe('what the browser decodes', () => {
  it('is named by its probes', () => {
    expect(namesOf((mime) => /avc1|mp4a/.test(mime))).toBe('h264,aac');
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
