import { expect, test } from 'vitest';
import { nextTimeOfDay, WishKey, wholeNumber } from './wish';

test('asking again for the same keeps the key', () => {
  const key = new WishKey();
  expect(key.of({ sku: 'a', stock: 1 })).toBe(key.of({ sku: 'a', stock: 1 }));
});

test('other contents are another wish', () => {
  const key = new WishKey();
  expect(key.of({ stock: 1 })).not.toBe(key.of({ stock: 2 }));
});

test('once decided, the same contents are a new wish', () => {
  const key = new WishKey();
  const first = key.of({ stock: 1 });
  key.decided();
  expect(key.of({ stock: 1 })).not.toBe(first);
});

test('a key has the form that the server takes', () => {
  expect(new WishKey().of({})).toMatch(/^[0-9A-Za-z_-]{8,64}$/);
});

test.each([
  ['5', 5],
  [' 10 ', 10],
  ['0', null],
  ['11', null],
  ['1.5', null],
  ['', null],
])('%j as a whole number from 1 to 10', (typed, value) => {
  expect(wholeNumber(typed, 1, 10)).toBe(value);
});

test('a time of day is today, or tomorrow where it has passed', () => {
  const noon = new Date(2026, 4, 31, 12, 0, 0).getTime();
  expect(nextTimeOfDay('12:01', noon)).toBe(new Date(2026, 4, 31, 12, 1).getTime());
  expect(nextTimeOfDay('12:00', noon)).toBe(new Date(2026, 5, 1, 12, 0).getTime());
  expect(nextTimeOfDay('', noon)).toBeNull();
});
