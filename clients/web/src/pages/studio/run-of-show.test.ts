import { expect, test } from 'vitest';
import { segment } from '../../testing/schedule';
import { cues } from './run-of-show';

const morning = segment({ segment: 'a', starts_ms: 100, ends_ms: 200 });
const noon = segment({ segment: 'b', starts_ms: 300, ends_ms: 400 });
const night = segment({ segment: 'c', starts_ms: 500, ends_ms: 600 });

test('what the room has on air is not what comes next', () => {
  const found = cues([night, noon, morning], 'a', 150);
  expect(found).toEqual({ onAir: morning, next: noon, later: [night], open: 0 });
});

test('a part whose time is over does not come any more', () => {
  expect(cues([morning, noon], null, 250).next).toBe(noon);
});

test('before a late show nothing is over yet', () => {
  expect(cues([morning, noon], null, null).next).toBe(morning);
});

test('requests wait, and only what was agreed comes', () => {
  const asked = segment({ state: 'requested', may: { ...morning.may, accept: true } });
  expect(cues([asked], null, 0)).toEqual({ onAir: null, next: null, later: [], open: 1 });
});
