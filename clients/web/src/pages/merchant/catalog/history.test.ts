import { expect, test } from 'vitest';
import type { Deed, Description, Listing } from './api';
import { differences, isUndoable } from './history';

const before: Description = {
  title: { en: 'Teapot' },
  category: 'home',
  image: '',
  skus: [{ sku: 's1', price_minor: 100, title: { en: 'Red' } }],
};
const after: Description = {
  ...before,
  title: { en: 'Pot' },
  skus: [
    { sku: 's1', price_minor: 90, title: { en: 'Red' } },
    { sku: 's2', price_minor: 80, title: { en: 'Blue' } },
  ],
};
const by = { at_ms: 1, actor: 'p', actor_name: 'Merchant' };
const listing = (onHand: number): Listing => ({
  ...before,
  product: 'p1',
  shop: 'shop',
  currency: 'CNY',
  created_ms: 1,
  archived_ms: null,
  skus: [{ sku: 's1', price_minor: 100, title: {}, on_hand: onHand, lent: 0 }],
});

test('a change is told field by field', () => {
  expect(differences(before, after)).toEqual([
    { field: 'title', sku: '', before: 'Teapot', after: 'Pot' },
    { field: 'price', sku: 's1', before: '100', after: '90' },
    { field: 'variant', sku: 's2', before: null, after: 'Blue' },
  ]);
});

test('a change is undone, a count only while the stock is what it was set to', () => {
  const change: Deed = { ...by, action: 'product.change', before, after };
  const count: Deed = {
    ...by,
    action: 'stock.set',
    before: { sku: 's1', on_hand: 8 },
    after: { sku: 's1', on_hand: 11, reason: 'counted' },
  };
  expect(isUndoable(change, listing(8))).toBe(true);
  expect(isUndoable(count, listing(11))).toBe(true);
  expect(isUndoable(count, listing(10))).toBe(false);
});
