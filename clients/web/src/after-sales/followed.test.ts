import { expect, test } from 'vitest';
import { soldOrder } from '../testing/sold';
import type { SoldOrder } from './api';
import { Followed } from './followed.svelte';

test('a look that began before a change does not undo it on the screen', async () => {
  let answer: (order: SoldOrder) => void = () => undefined;
  const followed = new Followed(() => new Promise((resolve) => (answer = resolve)));
  const look = followed.load();
  await followed.change(() => Promise.resolve(soldOrder({ fulfillment: 'shipped' })));
  answer(soldOrder());
  await look;
  expect(followed.order?.fulfillment).toBe('shipped');
});

test('after a refusal the order is shown as it really is', async () => {
  const followed = new Followed(() => Promise.resolve(soldOrder({ charge: 'refunded' })));
  const refused = followed.change(() => Promise.reject(new Error('refused')));
  await expect(refused).rejects.toThrow('refused');
  expect(followed.order?.charge).toBe('refunded');
});

test('who looks and finds nothing new keeps what is there', async () => {
  const followed = new Followed(() => Promise.resolve(soldOrder()));
  await followed.load();
  const before = followed.order;
  await followed.load();
  expect(followed.order).toBe(before);
});
