import { expect, test } from 'vitest';
import { FIRST, isNarrowed, queryOf, readFilter, searchOf } from './filter';

const full = {
  tab: 'all',
  q: 'tea & more',
  shop: 's',
  room: 'r',
  from: '2026-03-01',
  to: '2026-03-31',
} as const;

test('a filter survives the page’s address', () => {
  expect(readFilter(searchOf(full))).toEqual(full);
  expect(readFilter(searchOf(FIRST))).toEqual(FIRST);
  expect(searchOf(FIRST)).toBe('');
});

test('rubbish in the address is left out', () => {
  expect(readFilter('?tab=nothing&from=yesterday&to=2026-3-1')).toEqual(FIRST);
});

test('the last day is looked at to its end, in the reader’s time', () => {
  const query = queryOf(full);
  expect(Number(query.get('from_ms'))).toBe(new Date(2026, 2, 1).getTime());
  expect(Number(query.get('to_ms'))).toBe(new Date(2026, 3, 1).getTime());
  expect(query.get('q')).toBe('tea & more');
});

test('what is not filtered is not asked for', () => {
  expect(queryOf(FIRST).toString()).toBe('tab=to_ship');
  expect(queryOf({ ...FIRST, q: '  ' }).has('q')).toBe(false);
});

test('another tab alone does not narrow', () => {
  expect(isNarrowed({ ...FIRST, tab: 'all' })).toBe(false);
  expect(isNarrowed({ ...FIRST, room: 'r' })).toBe(true);
});
