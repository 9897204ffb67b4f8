/** What a change of a product was, field by field, and whether it can be taken back. */
import type { Deed, Description, Listing } from './api';
import type { LocalText } from '../../../texts/index.svelte';

export interface Difference {
  field: 'title' | 'category' | 'image' | 'price' | 'variant_title' | 'variant';
  /** Empty where it is the product's. */
  sku: string;
  /** Prices in minor units; null: it was not there. */
  before: string | null;
  after: string;
}

export function differences(before: Description, after: Description): Difference[] {
  const found: Difference[] = [];
  const note = (
    field: Difference['field'],
    sku: string,
    was: string | null,
    is: string | undefined,
  ): void => {
    if (is !== undefined && was !== is) found.push({ field, sku, before: was, after: is });
  };
  note('title', '', words(before.title), words(after.title));
  note('category', '', before.category, after.category);
  note('image', '', before.image, after.image);
  const known = new Map(before.skus.map((one) => [one.sku, one]));
  for (const one of after.skus) {
    const was = known.get(one.sku);
    if (!was) {
      note('variant', one.sku, null, words(one.title));
      continue;
    }
    note('price', one.sku, String(was.price_minor), String(one.price_minor));
    note('variant_title', one.sku, words(was.title), words(one.title));
  }
  return found;
}

/** A change can be taken back; a count only while nobody has counted since. */
export function isUndoable(deed: Deed, product: Listing): boolean {
  if (deed.action === 'product.change')
    return differences(deed.before, deed.after).some((one) => one.field !== 'variant');
  if (deed.action !== 'stock.set') return false;
  return product.skus.some(
    (one) => one.sku === deed.after.sku && one.on_hand === deed.after.on_hand,
  );
}

function words(text: LocalText): string {
  return Object.values(text).join(' / ');
}
