import { describe, expect, test } from 'vitest';
import { isSoldForGood, numberInLine, standingOf } from './line';
import { sale } from './testing/room';
import type { PlaceCard, SaleCard } from './wire';

const place = (state: PlaceCard['state'], change: Partial<PlaceCard> = {}): PlaceCard => ({
  sale: 'sale1',
  v: 1,
  state,
  qty: 1,
  ticket: 9,
  ahead: 4,
  ends_ms: state === 'turn' ? 60_000 : 0,
  entry: '',
  ...change,
});
const none = { sale: 'sale1', v: 2, available: 0, held: 1, sold: 0 };
const lottery: SaleCard = sale('sale1', { line: 'lottery', window_ms: 30_000 });
const draw = { seed: 's', digest: 'd', units: 1, entrants: 2, winners: 1 };

describe('standing in a line', () => {
  test('a sold-out sale can be waited for where it has a waitlist', () => {
    expect(standingOf(sale('sale1', { line: 'waitlist' }), none, undefined, 2_000)).toBe('wait');
    expect(standingOf(sale(), none, undefined, 2_000)).toBe('buy');
  });

  test('what is there is bought', () => {
    const some = { ...none, available: 1 };
    expect(standingOf(sale('sale1', { line: 'waitlist' }), some, undefined, 2_000)).toBe('buy');
  });

  test('a turn stays one after the sale, until its own end', () => {
    const closed = sale('sale1', { line: 'waitlist', phase: 'closed' });
    expect(standingOf(closed, none, place('turn'), 59_000)).toBe('turn');
    expect(standingOf(closed, none, place('turn'), 60_000)).toBe('buy');
  });

  test('a draw is joined within its window, awaited after it, and then a line', () => {
    expect(standingOf(lottery, undefined, undefined, 2_000)).toBe('join');
    expect(standingOf(lottery, undefined, place('entered'), 2_000)).toBe('entered');
    expect(standingOf(lottery, undefined, place('entered'), 31_000)).toBe('drawing');
    const drawn = { ...lottery, draw };
    expect(standingOf(drawn, none, place('lost'), 32_000)).toBe('waiting');
    expect(standingOf(drawn, none, undefined, 32_000)).toBe('wait');
  });

  test('the number falls as those in front leave, and never rises', () => {
    const queue = { sale: 'sale1', v: 1, waiting: 3, head: 7 };
    expect(numberInLine(place('waiting'), undefined)).toBe(5);
    expect(numberInLine(place('waiting'), queue)).toBe(3);
    expect(numberInLine(place('waiting'), { ...queue, head: 2 })).toBe(5);
    expect(numberInLine(place('waiting'), { ...queue, head: 9 })).toBe(1);
  });

  test('sold for good is when nobody holds any more', () => {
    expect(isSoldForGood(none)).toBe(false);
    expect(isSoldForGood({ ...none, held: 0 })).toBe(true);
    expect(isSoldForGood(undefined)).toBe(false);
  });
});
