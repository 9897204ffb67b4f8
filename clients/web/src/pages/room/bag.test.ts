import { expect, test } from 'vitest';
import { product, sale } from '../../testing/room';
import type { SaleCard } from '../../wire';
import { Bag, MAX_LINES } from './bag.svelte';

function memory(): Pick<Storage, 'getItem' | 'setItem'> {
  const kept = new Map<string, string>();
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
  };
}

function ours(id: string, change: Partial<SaleCard> = {}): SaleCard {
  return sale(id, { product: { ...product(), shop: 'ours' }, limit: 2, ...change });
}

test('a bag counts units and money, within each sale’s limit', () => {
  const sales = [ours('a'), ours('b', { price_minor: 100 })];
  const bag = new Bag('bag', () => sales, memory());
  for (const card of [...sales, ...sales, ...sales]) bag.add(card);
  expect(bag.lines.map((line) => [line.sale.sale, line.qty])).toEqual([
    ['a', 2],
    ['b', 2],
  ]);
  expect([bag.count, bag.grossMinor]).toEqual([4, 2 * 3990 + 200]);
  bag.set('a', 0);
  expect(bag.lines).toHaveLength(1);
});

test('one bag is one merchant’s, and of so many kinds', () => {
  const sales = Array.from({ length: MAX_LINES + 1 }, (_, i) => ours(`s${i}`));
  const theirs = sale('theirs', { product: { ...product(), shop: 'theirs' } });
  const bag = new Bag('bag', () => [...sales, theirs], memory());
  expect(sales.map((card) => bag.add(card)).at(-1)).toBe('bad_bag');
  expect(bag.add(theirs)).toBe('several_shops');
  expect(bag.lines).toHaveLength(MAX_LINES);
});

test('what is no longer on sale is not in the bag', () => {
  let sales = [ours('a'), ours('b')];
  const storage = memory();
  const bag = new Bag('bag', () => sales, storage);
  for (const card of sales) bag.add(card);
  sales = [ours('a', { phase: 'closed' }), ours('b')];
  expect(new Bag('bag', () => sales, storage).lines.map((line) => line.sale.sale)).toEqual(['b']);
});
