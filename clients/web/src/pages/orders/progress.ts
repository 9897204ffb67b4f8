/** How far an order is, in the steps that a buyer thinks in. */
import type { ReturnCase, SoldOrder } from '../../after-sales/api';
import type { OrderRow } from '../../api';
import type { TextKey } from '../../texts/index.svelte';

/** How long after its end an order is still looked at, for money that comes too late. */
const LATE_MS = 300_000;

export interface Step {
  text: TextKey;
  reached: boolean;
  /** Where it ends without the goods. */
  lost?: boolean;
  atMs: number | null;
}

/** What happened and what is still to come, in order. */
export function steps(order: OrderRow, after: SoldOrder | null = null): Step[] {
  const placed: Step = { text: 'orders.step_placed', reached: true, atMs: order.created_ms };
  if (order.order_state === 'expired')
    return [placed, ended('orders.step_expired', order), ...late(order)];
  if (order.order_state === 'canceled') return [placed, ...canceled(order, after), ...late(order)];
  const { fulfillment } = order;
  const received = fulfillment === 'received' || fulfillment === 'returned';
  const shipped = received || fulfillment === 'shipped' || fulfillment === 'delivered';
  return [
    placed,
    { text: 'orders.step_paid', reached: isPaid(order), atMs: order.paid_ms },
    { text: 'orders.step_ledger', reached: order.ledger === 'applied', atMs: null },
    { text: 'orders.step_shipped', reached: shipped, atMs: after?.parcels[0]?.shipped_ms ?? null },
    { text: 'orders.step_received', reached: received, atMs: after?.received_ms ?? null },
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
export function sentence(order: OrderRow, after: SoldOrder | null = null): TextKey {
  if (order.given_back) return order.given_back.done ? 'orders.say_late_back' : 'orders.say_late';
  if (order.order_state === 'canceled' && isPaid(order))
    return order.charge === 'refunded' ? 'orders.say_canceled_back' : 'orders.say_canceled_paid';
  if (after?.returns.some(isUnderWay)) return 'orders.say_returning';
  if (order.charge === 'refunded') return 'orders.say_back';
  if (order.order_state === 'confirmed') return `orders.say_${goods(order)}`;
  if (order.order_state !== 'awaiting_payment') return `orders.say_${order.order_state}`;
  if (order.state === 'closing') return 'orders.say_checking';
  return order.state === 'paying' ? 'orders.say_paying' : 'orders.say_held';
}

/** Whether somebody has still to do something about a return. */
function isUnderWay({ state }: ReturnCase): boolean {
  return state !== 'refunded' && state !== 'declined' && state !== 'canceled';
}

type Goods = 'confirmed' | 'on_the_way' | 'delivered' | 'received' | 'partly_back';

/** How far a paid order's goods are; what is not sent yet is being prepared. */
function goods(order: OrderRow): Goods {
  const { fulfillment } = order;
  if (fulfillment === 'shipped') return 'on_the_way';
  if (fulfillment === 'delivered') return 'delivered';
  if (fulfillment !== 'received' && fulfillment !== 'returned') return 'confirmed';
  return order.charge === 'partially_refunded' ? 'partly_back' : 'received';
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
  return (
    order.order_state === 'awaiting_payment' ||
    (isPaid(order) && order.ledger === null) ||
    order.given_back?.done === false ||
    (order.order_state === 'canceled' && isPaid(order) && order.charge !== 'refunded')
  );
}

/** Whether its own page looks again now and then: shop and carrier do something about it, too. */
export function isFollowed(order: OrderRow, nowMs: number): boolean {
  return isMoving(order) || order.order_state === 'confirmed' || hasJustEnded(order, nowMs);
}

/** Money that was under way when the time was over may still arrive, and go back. */
function hasJustEnded(order: OrderRow, nowMs: number): boolean {
  const late = nowMs - order.expires_ms < LATE_MS;
  return order.order_state === 'expired' && !order.given_back && late;
}

/** A paid order that is taken back has been paid before; its money goes back after. */
function canceled(order: OrderRow, after: SoldOrder | null): Step[] {
  const last = after?.refunds.at(-1);
  const end = { ...ended('orders.step_canceled', order), atMs: last?.created_ms ?? null };
  if (!isPaid(order)) return [ended('orders.step_canceled', order)];
  return [
    { text: 'orders.step_paid', reached: true, atMs: order.paid_ms },
    end,
    {
      text: 'orders.step_refunded',
      reached: order.charge === 'refunded',
      atMs: last?.done_ms ?? null,
    },
  ];
}

function late(order: OrderRow): Step[] {
  if (!order.given_back) return [];
  return [
    { text: 'orders.step_late', reached: true, atMs: null },
    { text: 'orders.step_refunded', reached: order.given_back.done, atMs: null },
  ];
}

function ended(text: TextKey, order: OrderRow): Step {
  return { text, reached: true, lost: true, atMs: order.expires_ms || null };
}
