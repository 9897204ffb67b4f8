import { expect, test } from 'vitest';
import { nothingYet, type RoomView } from '../../state';
import { roomCard, sale } from '../../testing/room';
import { Tally } from './tally.svelte';

function store() {
  const kept = new Map<string, string>();
  return {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
  };
}

function view(sales: string[], sold: number, viewers = 3): RoomView {
  const stock = { sale1: { sale: 'sale1', v: sold + 1, available: 10 - sold, held: 0, sold } };
  const room = roomCard({ phase: 'live', sales: sales.map((id) => sale(id)) });
  return { ...nothingYet, room, stock, viewers };
}

test('counts units and their price', () => {
  const tally = new Tally('t', store());
  tally.note(view(['sale1'], 2));
  expect([tally.sold, tally.amountMinor]).toEqual([2, 7980]);
});

test('a sale that has left the room still counts, and so do its late payments', () => {
  const tally = new Tally('t', store());
  tally.note(view(['sale1'], 2));
  tally.note(view(['sale2'], 3));
  expect(tally.sold).toBe(3);
});

test('the peak is the most viewers of a live show', () => {
  const tally = new Tally('t', store());
  tally.note(view([], 0, 9));
  tally.note(view([], 0, 4));
  expect(tally.peak).toBe(9);
});

test('the curve and its figures survive a reload', () => {
  const storage = store();
  const before = new Tally('t', storage);
  before.note(view(['sale1'], 2));
  before.sample(1000, 3);
  const after = new Tally('t', storage);
  expect(after.samples).toEqual([{ atMs: 1000, viewers: 3, sold: 2 }]);
  expect([after.sold, after.peak]).toEqual([2, 3]);
});

test('a long show keeps a bounded curve with its first and last moment', () => {
  const tally = new Tally('t', null);
  for (let atMs = 0; atMs < 2000; atMs += 1) tally.sample(atMs, 1);
  expect(tally.samples.length).toBeLessThanOrEqual(721);
  expect(tally.samples.at(0)?.atMs).toBe(0);
  expect(tally.samples.at(-1)?.atMs).toBe(1999);
});
