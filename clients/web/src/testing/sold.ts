/** A paid order for tests. */
import type { SoldLine, SoldOrder } from '../after-sales/api';

export function soldLine(line: number, change: Partial<SoldLine> = {}): SoldLine {
  return {
    line,
    product: `product${line}`,
    sku: `sku${line}`,
    title: { en: `Thing ${line}` },
    variant: {},
    image: '',
    qty: 1,
    unit_price_minor: 1000,
    discount_minor: 0,
    shipping_minor: 0,
    paid_minor: 1000,
    shipped: 0,
    to_ship: 1,
    returnable: 0,
    refundable_units: 1,
    refunded_minor: 0,
    left_minor: 1000,
    units_left: 1,
    restockable: 0,
    restocked: 0,
    ...change,
  };
}

export function soldOrder(change: Partial<SoldOrder> = {}): SoldOrder {
  return {
    order: 'order',
    room: 'room',
    room_title: { en: 'A show' },
    shop: 'shop',
    shop_name: { en: 'A shop' },
    buyer_name: 'Ann',
    currency: 'CNY',
    total_minor: 1000,
    refunded_minor: 0,
    left_minor: 1000,
    created_ms: 1000,
    confirmed_ms: 2000,
    order_state: 'confirmed',
    charge: 'full',
    fulfillment: 'unfulfilled',
    received_ms: null,
    receipt_due_ms: null,
    return_until_ms: null,
    return_window_days: 7,
    settles_ms: null,
    lines: [soldLine(1)],
    parcels: [],
    returns: [],
    refunds: [],
    may: { cancel: true, receive: false, ask_back: false, ship: true, refund: true },
    ...change,
  };
}
