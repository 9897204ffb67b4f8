/**
 * A show in figures over time: viewers and units sold, sampled while the studio is open.
 *
 * It is kept in the browser's session, so that reloading the page keeps the curve.
 */
import type { RoomView } from '../../state';

/** Viewers and units sold at one moment. */
export interface Sample {
  atMs: number;
  viewers: number;
  sold: number;
}

/** What was sold of one sale, and at which price. */
interface Sold {
  units: number;
  priceMinor: number;
}

interface Kept {
  samples: Sample[];
  bySale: Record<string, Sold>;
  peak: number;
}

const MOST_SAMPLES = 720;

export class Tally {
  samples = $state.raw<readonly Sample[]>([]);
  peak = $state(0);
  private bySale = $state.raw<Readonly<Record<string, Sold>>>({});

  constructor(
    private readonly name: string,
    private readonly storage: Pick<Storage, 'getItem' | 'setItem'> | null = sessionStore(),
  ) {
    this.recall();
  }

  readonly sold = $derived(Object.values(this.bySale).reduce((sum, sale) => sum + sale.units, 0));
  /** What they cost before coupons, in minor units. */
  readonly amountMinor = $derived(
    Object.values(this.bySale).reduce((sum, sale) => sum + sale.units * sale.priceMinor, 0),
  );

  /** Takes in what the room shows now; a sale stays known after it has left the room. */
  note(view: RoomView): void {
    if (view.room?.phase === 'live') this.peak = Math.max(this.peak, view.viewers);
    const next = { ...this.bySale };
    for (const sale of view.room?.sales ?? [])
      next[sale.sale] ??= { units: 0, priceMinor: sale.price_minor };
    for (const [sale, known] of Object.entries(next)) {
      const units = view.stock[sale]?.sold ?? 0;
      if (units > known.units) next[sale] = { ...known, units };
    }
    this.bySale = next;
  }

  /** Adds a point to the curve; a long show keeps its shape with fewer points. */
  sample(atMs: number, viewers: number): void {
    const grown = [...this.samples, { atMs, viewers, sold: this.sold }];
    this.samples =
      grown.length > MOST_SAMPLES
        ? grown.filter((_, i) => i % 2 === 0 || i > MOST_SAMPLES / 2)
        : grown;
    this.keep();
  }

  private recall(): void {
    try {
      const kept = JSON.parse(this.storage?.getItem(this.name) ?? 'null') as Kept | null;
      if (!kept) return;
      this.samples = kept.samples;
      this.peak = kept.peak;
      this.bySale = kept.bySale;
    } catch {
      // What cannot be read is as good as nothing kept.
    }
  }

  private keep(): void {
    const { samples, bySale, peak } = this;
    try {
      const kept: Kept = { samples: [...samples], bySale: { ...bySale }, peak };
      this.storage?.setItem(this.name, JSON.stringify(kept));
    } catch {
      // A full store loses the curve on reload, nothing else.
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
