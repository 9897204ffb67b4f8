/** One buyer's wish for units of a sale, from the tap to the hold. */
import { ConnectionLost, Refused } from '../../connection';
import type { Ok, OrderCard, Request, SaleCard, Verdict } from '../../wire';

const MAX_TRIES = 6;

/** What a purchase needs of the room. */
export interface Counter {
  ask(request: Request): Promise<Ok | Verdict>;
  whenOpen(): Promise<void>;
}

export interface Wish {
  sale: SaleCard;
  qty: number;
  /** The coupon to use, or none. */
  grant: string;
}

/**
 * Asks for a hold, exactly once per wish.
 *
 * The same wish keeps its idempotency key until the server has decided it: a second tap, or asking
 * again after the connection was lost, cannot buy twice.
 */
export class Purchase {
  asking = $state(false);
  refusal = $state.raw<Refused | null>(null);
  order = $state<string | null>(null);
  private key = '';
  private fingerprint = '';

  constructor(
    private readonly counter: Counter,
    private readonly newKey: () => string = randomKey,
  ) {}

  async buy(wish: Wish): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    this.refusal = null;
    try {
      this.order = (await this.decide(wish)).order;
      this.key = '';
    } catch (error) {
      this.refusal = error instanceof Refused ? error : new Refused('offline', {}, true);
      // What is refused for good is decided; what is only away now stays the same wish.
      if (!this.refusal.temporary) this.key = '';
    } finally {
      this.asking = false;
    }
  }

  private async decide(wish: Wish): Promise<OrderCard> {
    const request = this.request(wish);
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await this.counter.ask(request);
        if (answer.t === 'ok' && answer.order) return answer.order;
        throw new Refused('bad_request');
      } catch (error) {
        if (!(error instanceof ConnectionLost) || tries === MAX_TRIES) throw error;
        await this.counter.whenOpen();
      }
    }
  }

  private request({ sale, qty, grant }: Wish): Request {
    const fingerprint = [sale.sale, sale.version, sale.price_minor, qty, grant].join(' ');
    if (!this.key || fingerprint !== this.fingerprint) this.key = this.newKey();
    this.fingerprint = fingerprint;
    return {
      t: 'buy',
      sale: sale.sale,
      version: sale.version,
      price_minor: sale.price_minor,
      qty,
      key: this.key,
      ...(grant ? { grant } : {}),
    };
  }
}

function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
