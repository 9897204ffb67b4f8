/** Which orders the merchant looks at: in the page's address, so that it can be kept, shared and come back to. */
import { TABS, type Tab } from '../../after-sales/api';

export interface Filter {
  tab: Tab;
  /** Words to search for. */
  q: string;
  shop: string;
  room: string;
  /** Days of payment as the date field writes them, `2026-03-31`; empty: no bound. */
  from: string;
  /** The last day, itself included. */
  to: string;
}

export const FIRST: Filter = { tab: 'to_ship', q: '', shop: '', room: '', from: '', to: '' };

export function readFilter(search: string): Filter {
  const told = new URLSearchParams(search);
  const tab = TABS.find((one) => one === told.get('tab')) ?? FIRST.tab;
  const text = (name: string): string => told.get(name) ?? '';
  const day = (name: string): string => (dayMs(text(name)) === null ? '' : text(name));
  return {
    tab,
    q: text('q'),
    shop: text('shop'),
    room: text('room'),
    from: day('from'),
    to: day('to'),
  };
}

/** The filter as the page's own query; empty for the one that it begins with. */
export function searchOf(filter: Filter): string {
  const told = Object.entries(filter).filter(
    ([name, value]) => value !== FIRST[name as keyof Filter],
  );
  return told.length ? `?${new URLSearchParams(told)}` : '';
}

/** The filter as the server takes it: days become instants of the reader's clock. */
export function queryOf(filter: Filter): URLSearchParams {
  const query = new URLSearchParams({ tab: filter.tab });
  const { q, shop, room } = filter;
  for (const [name, value] of Object.entries({ q: q.trim(), shop, room }))
    if (value) query.set(name, value);
  const from = dayMs(filter.from);
  const to = dayMs(filter.to, 1);
  if (from !== null) query.set('from_ms', String(from));
  if (to !== null) query.set('to_ms', String(to));
  return query;
}

/** Whether more than the tab narrows the list. */
export function isNarrowed(filter: Filter): boolean {
  return searchOf({ ...filter, tab: FIRST.tab }) !== '';
}

/** When a day begins here, or one some days later; null where it is none. */
function dayMs(day: string, later = 0): number | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!match) return null;
  const [year, month, date] = match.slice(1).map(Number) as [number, number, number];
  const ms = new Date(year, month - 1, date + later).getTime();
  return Number.isNaN(ms) || ms < 0 ? null : ms;
}
