import { expect, test } from 'vitest';
import { offered, phaseAt } from './sales';
import { sale } from './testing/room';

const soon = sale('soon', { phase: 'scheduled', opens_ms: 5_000, closes_ms: 9_000 });
const none = { sale: 'soon', v: 1, available: 0, held: 1, sold: 0 };

test('a scheduled sale is open at its start, though nobody has told so yet', () => {
  expect([4_999, 5_000, 8_999, 9_000].map((now) => phaseAt(soon, undefined, now))).toEqual([
    'scheduled',
    'open',
    'open',
    'closed',
  ]);
});

test('without units it is sold out, but not before it opens', () => {
  expect(phaseAt(soon, none, 4_000)).toBe('scheduled');
  expect(phaseAt(soon, none, 6_000)).toBe('sold_out');
});

test('what can be had stands before what opens next, and that before what is sold out', () => {
  const sales = [
    sale('later', { phase: 'scheduled', opens_ms: 8_000 }),
    sale('gone', { phase: 'sold_out' }),
    sale('shelf', { kind: 'shelf' }),
    sale('over', { phase: 'closed' }),
    soon,
    sale('open'),
  ];
  const order = (now: number): string[] => offered(sales, {}, now).map((card) => card.sale);
  expect(order(2_000)).toEqual(['open', 'soon', 'later', 'gone']);
  expect(order(6_000)).toEqual(['soon', 'open', 'later', 'gone']);
});
