/**
 * Keys of wishes: each names the next refund, parcel, restocking or return of an order as the page knows it.
 *
 * Who asks twice, in two tabs, or again after a lost answer, asks with the same key and gets one of it; another
 * wish made meanwhile has taken the key and is refused, so that nobody acts on what is no longer so.
 */
import type { SoldOrder } from './api';

export function refundKey(order: SoldOrder): string {
  return `refund-${order.refunds.length + 1}`;
}

export function parcelKey(order: SoldOrder): string {
  return `parcel-${order.parcels.length + 1}`;
}

export function restockKey(order: SoldOrder): string {
  return `restock-${order.lines.reduce((sum, line) => sum + line.restocked, 0) + 1}`;
}

export function returnKey(order: SoldOrder): string {
  return `return-${order.returns.length + 1}`;
}
