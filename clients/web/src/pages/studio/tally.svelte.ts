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

interface Kept {
  samples: Sample[];
  soldBySale: Record<string, number>;
  amountBySale: Record<string, number>;
  peak: number;
}

const MOST_SAMPLES = 720;

export class Tally {
  samples = $state.raw<readonly Sample[]>([]);
  peak = $state(0);
  private soldBySale = $state.raw<Readonly<Record<string, number>>>({});
  private amountBySale = $state.raw<Readonly<Record<string, number>>>({});

  constructor(
    private readonly name: string,
    private readonly storage: Pick<Storage, 'getItem' | 'setItem'> | null = sessionStore(),
  ) {
    this.recall();
  }

  readonly sold = $derived(sum(this.soldBySale));
  /** What was paid for it before coupons, in minor units. */
  readonly amountMinor = $derived(sum(this.amountBySale));

  /** Takes in what the room shows now. */
  note(view: RoomView): void {
    if (view.room?.phase === 'live') this.peak = Math.max(this.peak, view.viewers);
    const sold = { ...this.soldBySale };
    const amount = { ...this.amountBySale };
    for (const sale of view.room?.sales ?? []) {
      const count = view.stock[sale.sale];
      if (!count) continue;
      sold[sale.sale] = count.sold;
      amount[sale.sale] = count.sold * sale.price_minor;
    }
    if (sum(sold) !== this.sold) [this.soldBySale, this.amountBySale] = [sold, amount];
  }

  /** Adds a point to the curve; a long show keeps its shape with fewer points. */
  sample(atMs: number, viewers: number): void {
    const grown = [...this.samples, { atMs, viewers, sold: this.sold }];
    this.samples =
      grown.length > MOST_SAMPLES ? grown.filter((_, i) => i % 2 || i > MOST_SAMPLES / 2) : grown;
    this.keep();
  }

  private recall(): void {
    try {
      const kept = JSON.parse(this.storage?.getItem(this.name) ?? 'null') as Kept | null;
      if (!kept) return;
      this.samples = kept.samples;
      this.peak = kept.peak;
      this.soldBySale = kept.soldBySale;
      this.amountBySale = kept.amountBySale;
    } catch {
      // What cannot be read is as good as nothing kept.
    }
  }

  private keep(): void {
    const { samples, soldBySale, amountBySale, peak } = this;
    try {
      const kept: Kept = { samples: [...samples], soldBySale, amountBySale, peak };
      this.storage?.setItem(this.name, JSON.stringify(kept));
    } catch {
      // A full store loses the curve on reload, nothing else.
    }
  }
}

function sum(parts: Readonly<Record<string, number>>): number {
  return Object.values(parts).reduce((total, part) => total + part, 0);
}

function sessionStore(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
