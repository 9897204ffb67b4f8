import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backoff } from './backoff';

test('waits lie between half a second and twenty seconds, however often it failed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (n, draw) => {
        const backoff = new Backoff(500, 20_000, () => draw);
        const waits = Array.from({ length: n }, () => backoff.next());
        return waits.every((wait) => wait >= 500 && wait <= 20_000);
      },
    ),
  );
});

test('the range doubles and starts over after a success', () => {
  const backoff = new Backoff(500, 20_000, () => 1);
  expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([1000, 2000, 4000]);
  backoff.reset();
  expect(backoff.next()).toBe(1000);
});
