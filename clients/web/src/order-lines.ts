import { local, t } from './texts/index.svelte';
import type { OrderCard, OrderLine } from './wire';

/** The lines of an order; one that has a single line tells it by its own fields. */
export function linesOf(order: OrderCard): OrderLine[] {
  if (order.lines?.length) return order.lines;
  const { sale, product, sku, title, image, qty, price_minor, discount_minor } = order;
  return [{ sale, product, sku, title, image, qty, price_minor, discount_minor }];
}

/** What an order is called: its first line, and how many others there are. */
export function titleOf(order: OrderCard): string {
  const others = (order.lines?.length ?? 1) - 1;
  const title = local(order.title);
  return others > 0 ? t('bag.more', { title, n: others }) : title;
}
