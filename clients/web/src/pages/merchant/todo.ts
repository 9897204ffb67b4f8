/** What a merchant has to do about an order, or where it stands if that is nothing. */
import type { SoldOrder } from '../../after-sales/api';
import type { Tone } from '../../after-sales/tones';
import type { TextKey } from '../../texts/index.svelte';

export interface Word {
  text: TextKey;
  tone: Tone;
}

export function todo(order: SoldOrder): Word[] {
  const words = [...returns(order), ...refunds(order)];
  if (order.may.ship) words.unshift({ text: 'merchant.do_ship', tone: 'warn' });
  return words.length ? words : [standing(order)];
}

function returns(order: SoldOrder): Word[] {
  const has = (...states: string[]): boolean =>
    order.returns.some(({ state }) => states.includes(state));
  const words: Word[] = [];
  if (has('requested')) words.push({ text: 'merchant.do_answer', tone: 'warn' });
  if (has('received')) words.push({ text: 'merchant.do_refund', tone: 'warn' });
  if (has('approved', 'sent_back')) words.push({ text: 'merchant.coming_back', tone: 'accent' });
  return words;
}

function refunds(order: SoldOrder): Word[] {
  const last = order.refunds.at(-1);
  if (last?.state === 'failed') return [{ text: 'after.refund_failed', tone: 'danger' }];
  const open = order.refunds.some(({ state }) => state === 'requested' || state === 'sent');
  return open ? [{ text: 'merchant.refunding', tone: 'accent' }] : [];
}

function standing(order: SoldOrder): Word {
  if (order.order_state !== 'confirmed')
    return { text: `orders.state_${order.order_state}`, tone: 'neutral' };
  const done = order.fulfillment === 'received' || order.fulfillment === 'delivered';
  return { text: `orders.fulfillment_${order.fulfillment}`, tone: done ? 'good' : 'neutral' };
}
