import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import en from './en';
import { fill, placeholders } from './message';
import zh from './zh-CN';

const source = new URL('..', import.meta.url).pathname;

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|svelte)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\/texts\/(en|zh-CN)\/|\.test\.ts$/.test(path))
    .map((path) => readFileSync(path, 'utf8'));
}

describe('texts', () => {
  test('both languages have the same keys', () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
  });

  test('no text is empty', () => {
    for (const [key, text] of [...Object.entries(en), ...Object.entries(zh)])
      expect(text.trim(), key).not.toBe('');
  });

  test('translations use the same placeholders', () => {
    for (const [key, text] of Object.entries(en))
      expect(placeholders(zh[key as keyof typeof zh]), key).toEqual(placeholders(text));
  });

  test('every text is used, by its key or by a prefix that is completed at run time', () => {
    // The verbs of `action.` are the vocabulary of all pages, used or not yet.
    const code = sources(source).join('\n');
    const prefixes = [...code.matchAll(/[`'"]([a-z]+\.(?:[a-z_]+_)?)\$\{/g)].map((m) => m[1] ?? '');
    const unused = Object.keys(en).filter(
      (key) =>
        !key.startsWith('action.') &&
        !code.includes(`'${key}'`) &&
        !prefixes.some((prefix) => key.startsWith(prefix)),
    );
    expect(unused).toEqual([]);
  });
});

describe('fill', () => {
  test('puts values in and groups numbers', () => {
    expect(fill('{name} has {n}', { name: 'Ada', n: 1234 }, 'en')).toBe('Ada has 1,234');
  });

  test('chooses the plural form', () => {
    expect(fill('{n} {n|day|days}', { n: 1 }, 'en')).toBe('1 day');
    expect(fill('{n} {n|day|days}', { n: 2 }, 'en')).toBe('2 days');
  });

  test('leaves an unknown placeholder visible', () => {
    expect(fill('{missing}', {}, 'en')).toBe('{missing}');
  });
});

describe('error codes', () => {
  const server = new URL('../../../../livecommerce', import.meta.url).pathname;

  function codes(ending: string, refusal: RegExp): string[] {
    return readdirSync(server, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .flatMap((code) => [...code.matchAll(refusal)].map((match) => match[1] ?? ''));
  }

  test.each([
    [
      'rules',
      '.py',
      /\b(?:NotFound|Forbidden|Unauthenticated|Invalid|Conflict|TooMany|Unavailable)\(\s*"([a-z_]+)"/g,
    ],
    ['Redis functions', '.lua', /\{ 'no', '([a-z_]+[a-z])'/g],
  ])('every refusal of the server’s %s has a text', (_name, ending, refusal) => {
    const found = codes(ending, refusal);
    expect(found.length).toBeGreaterThan(10);
    expect([...new Set(found.filter((code) => !(`error.${code}` in en)))]).toEqual([]);
  });

  test.each(['locked', 'reserved', 'spent', 'expired'])(
    'a coupon that is %s is refused with a text',
    (state) => {
      expect(en).toHaveProperty([`error.coupon_${state}`]);
    },
  );
});
