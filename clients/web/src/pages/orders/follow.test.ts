import { expect, test } from 'vitest';
import { Follow } from './follow';

test('looks become rarer while nothing changes, up to a limit', () => {
  const follow = new Follow();
  expect([1, 2, 3].map(() => follow.after('same', true))).toEqual([1000, 1500, 2250]);
  for (let i = 0; i < 20; i++) follow.after('same', true);
  expect(follow.after('same', true)).toBe(15_000);
});

test('a change makes them quick again', () => {
  const follow = new Follow();
  for (let i = 0; i < 5; i++) follow.after('before', true);
  expect(follow.after('after', true)).toBe(1000);
});

test('where nothing moves nobody looks', () => {
  expect(new Follow().after('done', false)).toBe(Infinity);
});
