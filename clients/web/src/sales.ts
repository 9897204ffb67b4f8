/** What a sale is at this moment; the room's events may be a breath behind the clock. */
import type { SaleCard, StockCount } from './wire';

export type SalePhase = SaleCard['phase'];

/** By the server's time: a sale is open from its start to its end, whoever tells so first. */
export function phaseAt(sale: SaleCard, count: StockCount | undefined, nowMs: number): SalePhase {
  if (sale.phase === 'closed' || sale.closes_ms <= nowMs) return 'closed';
  if (sale.phase === 'scheduled' && nowMs < sale.opens_ms) return 'scheduled';
  return sale.phase === 'sold_out' || count?.available === 0 ? 'sold_out' : 'open';
}

const FIRST: Record<SalePhase, number> = { open: 0, scheduled: 1, sold_out: 2, closed: 3 };

/** Flash sales that are not over: what can be had first, then what opens next, then what is sold out. */
export function offered(
  sales: readonly SaleCard[],
  counts: Readonly<Record<string, StockCount>>,
  nowMs: number,
): SaleCard[] {
  return sales
    .filter((sale) => sale.phase !== 'closed' && sale.kind !== 'shelf')
    .map((sale) => ({ sale, phase: phaseAt(sale, counts[sale.sale], nowMs) }))
    .sort(
      (one, other) =>
        FIRST[one.phase] - FIRST[other.phase] ||
        (one.phase === 'scheduled' ? one.sale.opens_ms - other.sale.opens_ms : 0),
    )
    .map(({ sale }) => sale);
}
