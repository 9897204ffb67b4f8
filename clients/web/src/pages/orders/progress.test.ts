import { expect, test } from 'vitest';
import { orderRow } from '../../testing/order';
import { soldOrder } from '../../testing/sold';
import { isFollowed, isMoving, isPayable, sentence, steps, tone } from './progress';

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

test('a paid order that was canceled tells that the money goes back', () => {
  const canceled = { ...paid, order_state: 'canceled' } as const;
  expect(sentence(canceled)).toBe('orders.say_canceled_paid');
  expect(reached(canceled)).toEqual([
    'orders.step_placed',
    'orders.step_paid',
    'orders.step_canceled',
  ]);
  expect(isMoving(canceled)).toBe(true);
  const back = { ...canceled, charge: 'refunded' } as const;
  expect(sentence(back)).toBe('orders.say_canceled_back');
  expect(reached(back)).toContain('orders.step_refunded');
  expect(isMoving(back)).toBe(false);
});

test('money that came too late is told of until it has gone back, and then too', () => {
  const late = orderRow({ order_state: 'expired', state: 'expired', expires_ms: 1000 });
  expect(isFollowed(late, 2000)).toBe(true);
  expect(isFollowed(late, 1_000_000)).toBe(false);
  const due = { ...late, given_back: { reason: 'too_late', done: false } };
  expect(sentence(due)).toBe('orders.say_late');
  expect(isMoving(due)).toBe(true);
  const back = { ...late, given_back: { reason: 'too_late', done: true } };
  expect(sentence(back)).toBe('orders.say_late_back');
  expect(reached(back).slice(-2)).toEqual(['orders.step_late', 'orders.step_refunded']);
  expect(isFollowed(back, 2000)).toBe(false);
});

test('a confirmed order says where the goods are, and when they were sent', () => {
  const shipped = { ...paid, fulfillment: 'shipped' };
  expect(sentence(paid)).toBe('orders.say_confirmed');
  expect(sentence(shipped)).toBe('orders.say_on_the_way');
  expect(sentence({ ...paid, fulfillment: 'received' })).toBe('orders.say_received');
  const after = soldOrder({ parcels: [{ shipped_ms: 9000 } as never] });
  const step = steps(shipped, after).find(({ text }) => text === 'orders.step_shipped');
  expect(step).toMatchObject({ reached: true, atMs: 9000 });
});

test('who returns something is not wished joy of it', () => {
  const received = { ...paid, fulfillment: 'received' };
  const asked = soldOrder({ returns: [{ state: 'approved' } as never] });
  const declined = soldOrder({ returns: [{ state: 'declined' } as never] });
  expect(sentence(received, asked)).toBe('orders.say_returning');
  expect(sentence(received, declined)).toBe('orders.say_received');
  expect(sentence({ ...received, charge: 'partially_refunded' }, declined)).toBe(
    'orders.say_partly_back',
  );
  expect(sentence({ ...received, charge: 'refunded' })).toBe('orders.say_back');
});
