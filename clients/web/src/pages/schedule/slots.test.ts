import { expect, test } from 'vitest';
import { segment, show } from '../../testing/schedule';
import { openShows, slots } from './slots';

const MINUTE_MS = 60_000;

test('a slot lies within the show and not in the past', () => {
  const found = slots(show({ ends_ms: 30 * MINUTE_MS }), 15 * MINUTE_MS, 4 * MINUTE_MS);
  expect(found.map((slot) => slot.startsMs / MINUTE_MS)).toEqual([5, 10, 15]);
});

test('times that are booked are taken, ones only requested are free', () => {
  const booked = segment({ starts_ms: 10 * MINUTE_MS, ends_ms: 20 * MINUTE_MS });
  const asked = segment({ state: 'requested', starts_ms: 0, ends_ms: 5 * MINUTE_MS });
  const found = slots(
    show({ ends_ms: 30 * MINUTE_MS, segments: [booked, asked] }),
    5 * MINUTE_MS,
    0,
  );
  const free = found.filter((slot) => !slot.taken).map((slot) => slot.startsMs / MINUTE_MS);
  expect(free).toEqual([0, 5, 20, 25]);
});

test('one can ask for shows that are not over, the next one first', () => {
  const later = show({ room: 'later', starts_ms: 1000 });
  const ended = show({ room: 'ended', phase: 'ended' });
  const missed = show({ room: 'missed', starts_ms: -10, ends_ms: -5 });
  expect(openShows([later, ended, missed, show()], 0).map((one) => one.room)).toEqual([
    'r1',
    'later',
  ]);
});
