/** An order row for tests. */
import type { OrderRow } from '../api';
import { order } from './room';

export function orderRow(change: Partial<OrderRow> = {}): OrderRow {
  return {
    ...order(1),
    order_state: 'awaiting_payment',
    charge: 'none',
    fulfillment: 'unfulfilled',
    room_title: { en: 'A show' },
    brand_name: null,
    paid_ms: null,
    ledger: null,
    ...change,
  };
}
