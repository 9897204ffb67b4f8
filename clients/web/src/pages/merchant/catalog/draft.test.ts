import { describe, expect, test } from 'vitest';
import type { Listing } from './api';
import {
  countsOf,
  descriptionOf,
  draftOf,
  emptyDraft,
  newProductOf,
  problems,
  search,
} from './draft';

const TEAPOT: Listing = {
  product: 'p1',
  shop: 'shop',
  title: { en: 'Teapot', 'zh-CN': '茶壶' },
  image: '/pot.webp',
  category: 'home',
  currency: 'CNY',
  created_ms: 1,
  archived_ms: null,
  skus: [
    { sku: 's1', title: { en: 'Red' }, price_minor: 26_800, on_hand: 8, lent: 2 },
    { sku: 's2', title: { en: 'Teapot', 'zh-CN': '茶壶' }, price_minor: 0, on_hand: 0, lent: 0 },
  ],
};

describe('a product in the form', () => {
  test('comes back as it was where nothing is changed', () => {
    const { title, category, image } = TEAPOT;
    expect(descriptionOf(draftOf(TEAPOT, 'en'), 'en')).toEqual({
      title,
      category,
      image,
      skus: [
        { sku: 's1', price_minor: 26_800, title: { en: 'Red' } },
        { sku: 's2', price_minor: 0, title: {} }, // called as the product, whatever that is called
      ],
    });
  });

  test('keeps a variant’s name in the languages that are not edited', () => {
    const draft = draftOf(TEAPOT, 'zh-CN');
    const red = draft.variants[0];
    if (red) red.title = '红';
    expect(descriptionOf(draft, 'zh-CN').skus[0]?.title).toEqual({ en: 'Red', 'zh-CN': '红' });
  });

  test('tells a count with the number that it began with, and only where it is another', () => {
    const draft = draftOf(TEAPOT, 'en');
    expect(countsOf(draft)).toEqual([]);
    const red = draft.variants[0];
    if (red) red.onHand = '11';
    expect(countsOf(draft)).toEqual([{ sku: 's1', on_hand: 11, expected: 8 }]);
  });

  test('says what is missing and what is wrong', () => {
    const draft = emptyDraft('CNY');
    expect(problems(draft).map((one) => [one.what, one.missing])).toEqual([
      ['code', true],
      ['title', true],
      ['category', true],
      ['sku', true],
      ['price', true],
    ]);
    const twice = draftOf(TEAPOT, 'en');
    const [red, plain] = twice.variants;
    if (red && plain) [red.price, plain.code] = ['1.234', 's1'];
    expect(problems(twice)).toEqual([
      { at: 0, what: 'price', missing: false },
      { at: 1, what: 'sku', missing: false },
    ]);
  });

  test('becomes a new product under the shop’s own codes', () => {
    const draft = emptyDraft('CNY');
    Object.assign(draft, { code: ' T1 ', titles: { en: 'Teapot', 'zh-CN': '' }, category: 'home' });
    Object.assign(draft.variants[0] ?? {}, { code: 'T1-R', price: '268', onHand: '8' });
    expect(newProductOf(draft, 'en')).toEqual({
      product: 'T1',
      title: { en: 'Teapot' },
      category: 'home',
      image: '',
      currency: 'CNY',
      skus: [{ sku: 'T1-R', price_minor: 26_800, title: {}, on_hand: 8 }],
    });
  });
});

test.each([
  ['tea', 1],
  ['茶 HOME', 1],
  ['red s1', 1],
  ['blue', 0],
])('searching for %j finds %i', (words, n) => {
  expect(search([TEAPOT], words)).toHaveLength(n);
});
