import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import everybody from './en';
import en from './en/desk';
import { fill, placeholders } from './message';
import zhEverybody from './zh-CN';
import zh from './zh-CN/desk';

const source = new URL('..', import.meta.url).pathname;

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|svelte)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\/texts\/(en|zh-CN)\/|\.test\.ts$/.test(path))
    .map((path) => readFileSync(path, 'utf8'));
}

/** The beginnings of keys that are completed at run time. */
function prefixesIn(code: string): string[] {
  return [...code.matchAll(/[`'"]([a-z]+\.(?:[a-z_]+_)?)\$\{/g)].map((m) => m[1] ?? '');
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
    const prefixes = prefixesIn(code);
    const unused = Object.keys(en).filter(
      (key) =>
        !key.startsWith('action.') &&
        !code.includes(`'${key}'`) &&
        !prefixes.some((prefix) => key.startsWith(prefix)),
    );
    expect(unused).toEqual([]);
  });
});

describe('pages that load no desk texts', () => {
  const web = new URL('../..', import.meta.url).pathname;
  const pages = readdirSync(web)
    .filter((name) => name.endsWith('.html'))
    .map((name) => ({ name, html: readFileSync(join(web, name), 'utf8') }))
    .filter(({ html }) => !html.includes('data-texts="desk"'));
  const deskOnly = Object.keys(en).filter((key) => !(key in everybody));

  /** The sources that a source imports, and those that they import. */
  function reach(path: string, seen: Map<string, string>): void {
    if (seen.has(path) || /\/texts\/(en|zh-CN)\//.test(path)) return;
    const code = readFileSync(path, 'utf8');
    seen.set(path, code);
    for (const [, to = ''] of code.matchAll(/(?:from |import\(?)'(\.[^']*)'/g)) {
      const at = join(path, '..', to);
      const file = [at, `${at}.ts`, `${at}/index.ts`].find(
        (one) => existsSync(one) && statSync(one).isFile(),
      );
      if (file && /\.(ts|svelte)$/.test(file)) reach(file, seen);
    }
  }

  test.each(pages)('$name says nothing of a desk’s', ({ html }) => {
    const seen = new Map<string, string>();
    const main = /src="\/(src\/[^"]*)"/.exec(html)?.[1] ?? '';
    reach(join(web, main), seen);
    const code = [...seen.values()].join('\n');
    const prefixes = prefixesIn(code);
    expect(seen.size).toBeGreaterThan(5);
    expect(
      deskOnly.filter(
        (key) => code.includes(`'${key}'`) || prefixes.some((prefix) => key.startsWith(prefix)),
      ),
    ).toEqual([]);
  });

  test('both languages keep the same texts for the desk', () => {
    expect(Object.keys(zhEverybody).sort()).toEqual(Object.keys(everybody).sort());
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
