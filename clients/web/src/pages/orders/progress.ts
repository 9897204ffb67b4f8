/** How far an order is, in the steps that a buyer thinks in. */
import type { OrderRow } from '../../api';
import type { TextKey } from '../../texts/index.svelte';

export interface Step {
  text: TextKey;
  reached: boolean;
  /** Where it ends without the goods. */
  lost?: boolean;
  atMs: number | null;
}

/** What happened and what is still to come, in order. */
export function steps(order: OrderRow): Step[] {
  const placed: Step = { text: 'orders.step_placed', reached: true, atMs: order.created_ms };
  if (order.order_state === 'expired') return [placed, ended('orders.step_expired', order)];
  if (order.order_state === 'canceled') return [placed, ended('orders.step_canceled', order)];
  const delivery = order.fulfillment;
  const received = delivery === 'received' || delivery === 'returned';
  const shipped = received || delivery === 'shipped' || delivery === 'delivered';
  return [
    placed,
    { text: 'orders.step_paid', reached: isPaid(order), atMs: order.paid_ms },
    { text: 'orders.step_ledger', reached: order.ledger === 'applied', atMs: null },
    { text: 'orders.step_shipped', reached: shipped, atMs: null },
    { text: 'orders.step_received', reached: received, atMs: null },
  ];
}

export function isPaid(order: OrderRow): boolean {
  return order.charge === 'full' || isRefunded(order);
}

export function isRefunded(order: OrderRow): boolean {
  return order.charge === 'refunded' || order.charge === 'partially_refunded';
}

/** Whether the buyer can pay, or cancel, now. */
export function isPayable(order: OrderRow): boolean {
  return (
    order.order_state === 'awaiting_payment' && (order.state === 'held' || order.state === 'paying')
  );
}

/** The one sentence that says where the order stands. */
export function sentence(order: OrderRow): TextKey {
  if (order.order_state !== 'awaiting_payment') return `orders.say_${order.order_state}`;
  if (order.state === 'closing') return 'orders.say_checking';
  return order.state === 'paying' ? 'orders.say_paying' : 'orders.say_held';
}

/** The tone of its state: something to do, good, or over. */
export function tone(order: OrderRow): 'warn' | 'good' | 'neutral' {
  if (order.order_state === 'awaiting_payment') return 'warn';
  return order.order_state === 'confirmed' || order.order_state === 'completed'
    ? 'good'
    : 'neutral';
}

/** Whether something about it will change soon without the buyer. */
export function isMoving(order: OrderRow): boolean {
  return order.order_state === 'awaiting_payment' || (isPaid(order) && order.ledger === null);
}

function ended(text: TextKey, order: OrderRow): Step {
  return { text, reached: true, lost: true, atMs: order.expires_ms || null };
}
