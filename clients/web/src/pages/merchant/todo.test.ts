import { expect, test } from 'vitest';
import { soldOrder } from '../../testing/sold';
import { todo } from './todo';

const sent = { may: { ...soldOrder().may, ship: false }, fulfillment: 'shipped' } as const;

function words(change: Parameters<typeof soldOrder>[0]): string[] {
  return todo(soldOrder(change)).map(({ text }) => text);
}

test('what is to be done comes before where the order stands', () => {
  expect(words({})).toEqual(['merchant.do_ship']);
  expect(words(sent)).toEqual(['orders.fulfillment_shipped']);
});

test('a return asks for an answer, and for the money once the goods are there', () => {
  expect(words({ ...sent, returns: [{ state: 'requested' } as never] })).toEqual([
    'merchant.do_answer',
  ]);
  expect(words({ ...sent, returns: [{ state: 'received' } as never] })).toEqual([
    'merchant.do_refund',
  ]);
  expect(words({ ...sent, returns: [{ state: 'declined' } as never] })).toEqual([
    'orders.fulfillment_shipped',
  ]);
});

test('a refund that failed is told until another one is asked for', () => {
  const failed = { state: 'failed' } as never;
  expect(words({ ...sent, refunds: [failed] })).toEqual(['after.refund_failed']);
  expect(words({ ...sent, refunds: [failed, { state: 'sent' } as never] })).toEqual([
    'merchant.refunding',
  ]);
});

test('an order that is over says so', () => {
  expect(words({ ...sent, order_state: 'canceled' })).toEqual(['orders.state_canceled']);
});
