/** Where statements of the ledger are, and the months that they are asked for. */
import type { Language } from './texts/index.svelte';

export interface Month {
  from_ms: number;
  /** Where the next one begins. */
  to_ms: number;
}

/** The month of an instant and those before it, newest first, on the reader's calendar. */
export function monthsUntil(ms: number, count: number): Month[] {
  const now = new Date(ms);
  const begin = (back: number): number =>
    new Date(now.getFullYear(), now.getMonth() - back, 1).getTime();
  return Array.from({ length: count }, (_, back) => ({
    from_ms: begin(back),
    to_ms: begin(back - 1),
  }));
}

/** The page to print. */
export function statementPage(owner: string, lang: Language, span?: Month): string {
  return address(owner, { format: 'html', lang }, span);
}

/** The same for spreadsheets. */
export function statementTable(owner: string, lang: Language, span?: Month): string {
  return address(owner, { format: 'csv', lang }, span);
}

/** Whose account it is, where statements are made for its owner; empty where not. */
export function statementOwner(account: string): string {
  const [kind = '', owner = ''] = account.split(':');
  return ['merchant', 'creator', 'host'].includes(kind.split('.')[0] ?? '') ? owner : '';
}

/** In the reader's time zone, as the months are. */
function address(owner: string, asked: Record<string, string>, span?: Month): string {
  const query = new URLSearchParams(asked);
  query.set('time_zone', Intl.DateTimeFormat().resolvedOptions().timeZone);
  if (span) {
    query.set('from_ms', String(span.from_ms));
    query.set('to_ms', String(span.to_ms));
  }
  return `/api/statements/${encodeURIComponent(owner)}?${query}`;
}
