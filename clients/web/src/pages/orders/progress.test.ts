import { expect, test } from 'vitest';
import { orderRow } from '../../testing/order';
import { isMoving, isPayable, sentence, steps, tone } from './progress';

const paid = orderRow({
  state: 'sold',
  order_state: 'confirmed',
  charge: 'full',
  paid_ms: 5000,
  ledger: 'applied',
});

function reached(order: Parameters<typeof steps>[0]): string[] {
  return steps(order)
    .filter((step) => step.reached)
    .map((step) => step.text);
}

test('an order that waits for payment has only been placed', () => {
  expect(reached(orderRow())).toEqual(['orders.step_placed']);
  expect(sentence(orderRow())).toBe('orders.say_held');
  expect(tone(orderRow())).toBe('warn');
});

test('a paid order is confirmed, and recorded once the ledger has it', () => {
  expect(reached(paid)).toEqual(['orders.step_placed', 'orders.step_paid', 'orders.step_ledger']);
  expect(reached({ ...paid, ledger: null })).not.toContain('orders.step_ledger');
});

test('one that ended without payment promises no delivery', () => {
  for (const order_state of ['expired', 'canceled'] as const) {
    const texts = steps(orderRow({ order_state, state: 'released' })).map((step) => step.text);
    expect(texts).toEqual(['orders.step_placed', `orders.step_${order_state}`]);
  }
});

test('while the provider is asked, one can neither pay nor cancel', () => {
  const closing = orderRow({ state: 'closing', charge: 'pending' });
  expect(isPayable(closing)).toBe(false);
  expect(sentence(closing)).toBe('orders.say_checking');
  expect(isPayable(orderRow({ state: 'paying' }))).toBe(true);
});

test('an order moves by itself until it is paid and in the ledger, or over', () => {
  expect(isMoving(orderRow())).toBe(true);
  expect(isMoving({ ...paid, ledger: null })).toBe(true);
  expect(isMoving(paid)).toBe(false);
  expect(isMoving(orderRow({ order_state: 'expired', state: 'expired' }))).toBe(false);
});
