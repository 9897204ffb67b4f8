import { expect, test } from 'vitest';
import { soldLine, soldOrder } from '../testing/sold';
import { parcelKey, refundKey, restockKey } from './keys';
import { allOf, chosen, count, isMoving, unitsText } from './units';

const lines = [soldLine(1, { qty: 3, to_ship: 3 }), soldLine(2, { to_ship: 1 })];
const toShip = (line: { to_ship: number }): number => line.to_ship;

test('everything that is left is chosen at first', () => {
  expect(chosen(allOf(lines, toShip), lines, toShip)).toEqual([
    { line: 1, qty: 3 },
    { line: 2, qty: 1 },
  ]);
});

test('what is chosen shrinks with what is left, and lines without units are left out', () => {
  const left = [soldLine(1, { to_ship: 1 }), soldLine(2, { to_ship: 0 })];
  const units = chosen({ 1: 3, 2: 1 }, left, toShip);
  expect(units).toEqual([{ line: 1, qty: 1 }]);
  expect(count(units)).toBe(1);
});

test('units are told by title and variant', () => {
  const order = soldOrder({ lines: [soldLine(1, { variant: { en: 'Blue' } })] });
  expect(unitsText(order, [{ line: 1, qty: 2 }])).toBe('Thing 1 · Blue ×\u00a02');
});

test('two people who see the same order ask with the same key, and one who sees more with another', () => {
  const refund = { ...soldOrder().refunds[0] } as never;
  expect(refundKey(soldOrder())).toBe(refundKey(soldOrder()));
  expect(refundKey(soldOrder({ refunds: [refund] }))).not.toBe(refundKey(soldOrder()));
  expect(parcelKey(soldOrder())).not.toBe(refundKey(soldOrder()));
  const restocked = soldOrder({ lines: [soldLine(1, { restocked: 1 }), soldLine(2)] });
  expect(restockKey(restocked)).not.toBe(restockKey(soldOrder()));
});

test('an order moves by itself while money is on its way back', () => {
  const refund = { state: 'sent' } as never;
  expect(isMoving(soldOrder({ refunds: [refund] }))).toBe(true);
  expect(isMoving(soldOrder())).toBe(false);
});
