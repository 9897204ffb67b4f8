/** Where one is in the merchant's pages, by the page's address. */
export type Place =
  | { view: 'orders' }
  | { view: 'order'; order: string }
  | { view: 'catalog' }
  | { view: 'settings' };

export function placeOf(path: string): Place {
  const [, , view, order] = path.split('/');
  if (view === 'settings' || view === 'catalog') return { view };
  if (view === 'orders' && order) return { view: 'order', order: decodeURIComponent(order) };
  return { view: 'orders' };
}
