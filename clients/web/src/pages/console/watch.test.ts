import { expect, test } from 'vitest';
import type { ConsoleStatus } from '../../api';
import { queueFigures, sinceFirst } from './watch.svelte';

test('the age of the queue is that of its oldest letter, and nothing where it is empty', () => {
  const ledger = { oldest_ms: 1_000, applied: 3, dead: 1 } as ConsoleStatus['ledger'];
  expect(queueFigures({ ledger }, 5_000)).toEqual({ ageMs: 4_000, applied: 3, dead: 1 });
  expect(queueFigures({ ledger: { ...ledger, oldest_ms: null } }, 5_000).ageMs).toBe(0);
  expect(queueFigures({ ledger }, 0).ageMs).toBe(0);
});

test('what was booked counts from the first look on', () => {
  expect(sinceFirst([null, 7, 9, null, 12])).toEqual([null, 0, 2, null, 5]);
  expect(sinceFirst([7, 3])).toEqual([0, 0]);
  expect(sinceFirst([])).toEqual([]);
});
