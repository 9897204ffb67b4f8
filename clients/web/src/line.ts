/** What a person can do about a sale whose units are not simply there: wait, enter its draw, take a turn. */
import type { PlaceCard, QueueCount, SaleCard, StockCount } from './wire';

export type Standing = 'buy' | 'join' | 'entered' | 'drawing' | 'wait' | 'waiting' | 'turn';

/** When a draw takes no more entries. */
export function drawsMs(sale: SaleCard): number {
  return sale.opens_ms + (sale.window_ms ?? 0);
}

/** Whether a sale's units are still to be drawn for. */
export function awaitsDraw(sale: SaleCard): boolean {
  return sale.line === 'lottery' && !sale.draw;
}

export function isTurn(place: PlaceCard | undefined, nowMs: number): boolean {
  return place !== undefined && place.state === 'turn' && place.ends_ms > nowMs;
}

export function standingOf(
  sale: SaleCard,
  count: StockCount | undefined,
  place: PlaceCard | undefined,
  nowMs: number,
): Standing {
  if (isTurn(place, nowMs)) return 'turn';
  if (sale.phase === 'closed' || sale.closes_ms <= nowMs || nowMs < sale.opens_ms) return 'buy';
  if (awaitsDraw(sale)) {
    if (nowMs >= drawsMs(sale)) return 'drawing';
    return place?.state === 'entered' ? 'entered' : 'join';
  }
  if (place?.state === 'waiting' || place?.state === 'lost') return 'waiting';
  const soldOut = sale.phase === 'sold_out' || count?.available === 0;
  return soldOut && sale.line ? 'wait' : 'buy';
}

/** One's number in the line, from 1; it falls as those in front are served, or leave. */
export function numberInLine(place: PlaceCard, queue: QueueCount | undefined): number {
  const ahead = queue?.head ? Math.min(place.ahead, place.ticket - queue.head) : place.ahead;
  return Math.max(0, ahead) + 1;
}

/** Whether all units are sold, so that only a return or more stock could help. */
export function isSoldForGood(count: StockCount | undefined): boolean {
  return count !== undefined && count.available === 0 && count.held === 0;
}
