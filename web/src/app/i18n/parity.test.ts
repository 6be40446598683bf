import { describe, expect, it } from 'vitest';
import { en } from './en';
import { vi } from './vi';

function flat(node: object, path = ''): Map<string, string> {
  const out = new Map<string, string>();
  for (const [key, value] of Object.entries(node) as [string, unknown][]) {
    const name = path === '' ? key : `${path}.${key}`;
    if (typeof value === 'string') out.set(name, value);
    else for (const [k, v] of flat(value as object, name)) out.set(k, v);
  }
  return out;
}

const slots = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]).sort();

describe('both languages', () => {
  const [first, second] = [flat(vi), flat(en)];

  it('have the same keys', () => {
    expect([...second.keys()].sort()).toEqual([...first.keys()].sort());
  });

  it('fill the same slots and leave nothing empty', () => {
    for (const [key, text] of first) {
      expect(text.trim(), key).not.toBe('');
      expect(slots(second.get(key) ?? ''), key).toEqual(slots(text));
    }
  });

  it('do not show English in Vietnamese sentences', () => {
    const english = /\b(error|stream|login|password|loading|snapshot|download|playback|recording)\b/i;
    for (const [key, text] of first) expect(text.replaceAll(/\{\{\w+\}\}/g, ''), key).not.toMatch(english);
  });

  it('end no sentence with an exclamation mark', () => {
    for (const text of [...first.values(), ...second.values()]) expect(text).not.toContain('!');
  });
});
