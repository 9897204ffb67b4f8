/** What a buyer has put aside in one room; nothing is held before the order is. */
import type { SaleCard } from '../../wire';

export const MAX_LINES = 10;

export interface BagLine {
  sale: SaleCard;
  qty: number;
}

/** Why something cannot be put into the bag, as an error code. */
export type Obstacle = 'several_shops' | 'bad_bag';

export class Bag {
  private units = $state.raw<Readonly<Record<string, number>>>({});

  constructor(
    private readonly name: string,
    /** What the room sells now. */
    private readonly sales: () => readonly SaleCard[],
    private readonly storage: Pick<Storage, 'getItem' | 'setItem'> | null = sessionStore(),
  ) {
    this.recall();
  }

  /** What is still on sale, with as many units as one buyer may have, in the order of putting in. */
  readonly lines = $derived.by((): BagLine[] =>
    Object.entries(this.units).flatMap(([id, qty]) => {
      const sale = this.sales().find((card) => card.sale === id && card.phase !== 'closed');
      return sale ? [{ sale, qty: Math.min(qty, sale.limit) }] : [];
    }),
  );

  readonly count = $derived(this.lines.reduce((sum, line) => sum + line.qty, 0));
  readonly grossMinor = $derived(
    this.lines.reduce((sum, line) => sum + line.qty * line.sale.price_minor, 0),
  );

  /** One order is one merchant's goods, and of so many kinds. */
  obstacle(sale: SaleCard): Obstacle | null {
    const first = this.lines[0];
    if (first && first.sale.product.shop !== sale.product.shop) return 'several_shops';
    const isIn = this.lines.some((line) => line.sale.sale === sale.sale);
    return !isIn && this.lines.length >= MAX_LINES ? 'bad_bag' : null;
  }

  /** Puts one more unit in; what stands in the way, or null. */
  add(sale: SaleCard): Obstacle | null {
    const obstacle = this.obstacle(sale);
    if (!obstacle) this.set(sale.sale, Math.min((this.units[sale.sale] ?? 0) + 1, sale.limit));
    return obstacle;
  }

  /** So many units of a sale; 0 takes it out. */
  set(sale: string, qty: number): void {
    const next = Object.entries({ ...this.units, [sale]: qty }).filter(([, units]) => units > 0);
    this.units = Object.fromEntries(next);
    this.keep();
  }

  clear(): void {
    this.units = {};
    this.keep();
  }

  private recall(): void {
    try {
      const kept: unknown = JSON.parse(this.storage?.getItem(this.name) ?? '{}');
      if (kept && typeof kept === 'object') this.units = kept as Record<string, number>;
    } catch {
      // What cannot be read is as good as nothing kept.
    }
  }

  private keep(): void {
    try {
      this.storage?.setItem(this.name, JSON.stringify(this.units));
    } catch {
      // A bag that is not kept is still a bag.
    }
  }
}

function sessionStore(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
