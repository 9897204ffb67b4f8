import { expect, test } from 'vitest';
import { show } from '../../testing/schedule';
import { daysOf, HOUR_MS, hoursOf, place, showsOn, weekOf } from './week';

const WEDNESDAY = new Date(2026, 6, 15, 20, 30).getTime();
const MONDAY = new Date(2026, 6, 13).getTime();

function at(day: number, hour: number, hours = 2, room = 'r1') {
  const starts_ms = new Date(2026, 6, day, hour).getTime();
  return show({ room, starts_ms, ends_ms: starts_ms + hours * HOUR_MS });
}

test('a week begins on Monday at midnight, also when asked on its first and last day', () => {
  expect(weekOf(WEDNESDAY)).toBe(MONDAY);
  expect(weekOf(MONDAY)).toBe(MONDAY);
  expect(weekOf(new Date(2026, 6, 19, 23, 59).getTime())).toBe(MONDAY);
});

test('seven days follow, each at midnight', () => {
  const days = daysOf(MONDAY);
  expect(days.map((day) => new Date(day).getDate())).toEqual([13, 14, 15, 16, 17, 18, 19]);
  expect(days.every((day) => new Date(day).getHours() === 0)).toBe(true);
});

test('a show stands on the day on which it begins', () => {
  const late = at(14, 23, 3);
  expect(showsOn([late], new Date(2026, 6, 14).getTime())).toEqual([late]);
  expect(showsOn([late], new Date(2026, 6, 15).getTime())).toEqual([]);
});

test('the grid grows to the hours that shows need, and not past midnight', () => {
  expect(hoursOf([], daysOf(MONDAY))).toEqual({ from: 12, to: 22 });
  expect(hoursOf([at(14, 7), at(15, 22, 4)], daysOf(MONDAY))).toEqual({ from: 7, to: 24 });
});

test('shows at the same time stand beside each other like cards in a hand, others have all the width', () => {
  const shows = [at(14, 10, 2, 'a'), at(14, 11, 2, 'b'), at(14, 15, 1, 'c')];
  const placed = place(shows, new Date(2026, 6, 14).getTime(), { from: 10, to: 20 });
  expect(placed.map(({ left, width }) => [left, width])).toEqual([
    [0, 0.8],
    [0.5, 0.5],
    [0, 1],
  ]);
  expect(placed[2]).toMatchObject({ top: 0.5 });
  expect(placed[2]?.height).toBeCloseTo(0.1);
});
