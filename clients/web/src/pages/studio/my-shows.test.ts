import { expect, test } from 'vitest';
import { show } from '../../testing/schedule';
import { inOrder, soon } from './my-shows';

test('live first, then the next ones, then what is over, the newest first', () => {
  const shows = [
    show({ room: 'old', phase: 'ended', starts_ms: 1 }),
    show({ room: 'late', starts_ms: 40 }),
    show({ room: 'newer', phase: 'ended', starts_ms: 2 }),
    show({ room: 'soon', starts_ms: 30 }),
    show({ room: 'now', phase: 'live', starts_ms: 20 }),
    show({ room: 'foreign', phase: 'live', starts_ms: 10 }),
  ];
  const mine = new Set(['old', 'late', 'newer', 'soon', 'now']);
  expect(inOrder(shows, mine).map((one) => one.room)).toEqual([
    'now',
    'soon',
    'late',
    'newer',
    'old',
  ]);
});

test.each([
  [new Date(2026, 0, 5, 9, 3), '2026-01-05T09:15'],
  [new Date(2026, 0, 5, 9, 15), '2026-01-05T09:30'],
  [new Date(2026, 11, 31, 23, 50), '2027-01-01T00:00'],
])('soon is the next quarter', (now, written) => {
  expect(soon(now)).toBe(written);
});
