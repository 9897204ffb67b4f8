import { expect, test } from 'vitest';
import { ConnectionLost, Refused } from '../../connection';
import { order, sale } from '../../testing/room';
import type { Ok, Request } from '../../wire';
import { Purchase, type Counter } from './purchase.svelte';

type Outcome = Ok | Error;

/** A counter that answers as told and remembers what it was asked. */
type Buy = Extract<Request, { t: 'buy' | 'buy.bag' }>;

function counter(...outcomes: Outcome[]): Counter & { asked: Buy[] } {
  const asked: Buy[] = [];
  return {
    asked,
    ask(request) {
      if (request.t === 'buy' || request.t === 'buy.bag') asked.push(request);
      const outcome = outcomes.shift() ?? new Error('not expected');
      return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
    },
    whenOpen: () => Promise.resolve(),
  };
}

function keys(): () => string {
  let n = 0;
  return () => `key-${++n}`;
}

const held: Ok = { t: 'ok', id: 1, order: order(1) };
const wish = { lines: [{ sale: sale(), qty: 1 }], grants: [] };

test('a wish becomes a hold', async () => {
  const desk = counter(held);
  const purchase = new Purchase(desk, keys());
  await purchase.buy(wish);
  expect(purchase.order).toBe('o1');
  expect(desk.asked[0]).toEqual({
    t: 'buy',
    sale: 'sale1',
    version: 1,
    price_minor: 3990,
    qty: 1,
    key: 'key-1',
  });
});

test('a second tap while the first is under way asks nothing', async () => {
  const desk = counter(held);
  const purchase = new Purchase(desk, keys());
  await Promise.all([purchase.buy(wish), purchase.buy(wish)]);
  expect(desk.asked).toHaveLength(1);
});

test('a tap a moment before the start waits for it under the same key', async () => {
  const desk = counter(new Refused('sale_not_open', { opens_ms: 9, wait_ms: 120 }), held);
  const pauses: number[] = [];
  const purchase = new Purchase(desk, keys(), (ms) => {
    pauses.push(ms);
    return Promise.resolve();
  });
  await purchase.buy(wish);
  expect(pauses).toEqual([120]);
  expect(desk.asked.map((request) => request.key)).toEqual(['key-1', 'key-1']);
  expect(purchase.order).toBe('o1');
});

test('a tap long before the start is refused', async () => {
  const desk = counter(new Refused('sale_not_open', { opens_ms: 9, wait_ms: 60_000 }));
  const purchase = new Purchase(desk, keys());
  await purchase.buy(wish);
  expect(purchase.refusal?.code).toBe('sale_not_open');
  expect(desk.asked).toHaveLength(1);
});

test('after a lost connection the same key is asked again', async () => {
  const desk = counter(new ConnectionLost(), new ConnectionLost(), held);
  const purchase = new Purchase(desk, keys());
  await purchase.buy(wish);
  expect(desk.asked.map((request) => request.key)).toEqual(['key-1', 'key-1', 'key-1']);
  expect(purchase.order).toBe('o1');
});

test('what was away for a moment stays the same wish', async () => {
  const desk = counter(new Refused('redis_away', {}, true), held);
  const purchase = new Purchase(desk, keys());
  await purchase.buy(wish);
  expect(purchase.refusal?.code).toBe('redis_away');
  await purchase.buy(wish);
  expect(desk.asked.map((request) => request.key)).toEqual(['key-1', 'key-1']);
});

test('what was refused for good, or has changed, is a new wish', async () => {
  const desk = counter(new Refused('sold_out'), held, held);
  const purchase = new Purchase(desk, keys());
  await purchase.buy(wish);
  await purchase.buy(wish);
  await purchase.buy({ ...wish, lines: [{ sale: sale(), qty: 2 }] });
  expect(desk.asked.map((request) => request.key)).toEqual(['key-1', 'key-2', 'key-3']);
});

test('several lines, or two coupons, are one wish for a bag', async () => {
  const desk = counter(held, held);
  const purchase = new Purchase(desk, keys());
  const two = [...wish.lines, { sale: sale('sale2'), qty: 2 }];
  await purchase.buy({ lines: two, grants: ['g1'] });
  await purchase.buy({ ...wish, grants: ['g1', 'g2'] });
  expect(desk.asked.map((request) => request.t)).toEqual(['buy.bag', 'buy.bag']);
  expect(desk.asked[0]).toEqual({
    t: 'buy.bag',
    lines: [
      { sale: 'sale1', version: 1, price_minor: 3990, qty: 1 },
      { sale: 'sale2', version: 1, price_minor: 3990, qty: 2 },
    ],
    key: 'key-1',
    grants: ['g1'],
  });
});
