/** One buyer's wish for units of one sale or several, from the tap to the hold. */
import { ConnectionLost, Refused } from '../../connection';
import type { Ok, OrderCard, Request, Verdict } from '../../wire';
import type { BagLine } from './bag.svelte';

const MAX_TRIES = 6;
/** How early a tap may be and still wait for the start: clocks and networks are never quite right. */
const PATIENCE_MS = 3000;

/** What a purchase needs of the room. */
export interface Counter {
  ask(request: Request): Promise<Ok | Verdict>;
  whenOpen(): Promise<void>;
}

export interface Wish {
  lines: readonly BagLine[];
  /** The coupons to use. */
  grants: readonly string[];
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
    private readonly pause: (ms: number) => Promise<void> = wait,
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
        if (tries === MAX_TRIES) throw error;
        if (error instanceof ConnectionLost) await this.counter.whenOpen();
        else await this.pause(earlyByMs(error));
      }
    }
  }

  private request(wish: Wish): Request {
    const lines = wish.lines.map(({ sale, qty }) => ({
      sale: sale.sale,
      version: sale.version,
      price_minor: sale.price_minor,
      qty,
    }));
    const fingerprint = JSON.stringify([lines, wish.grants]);
    if (!this.key || fingerprint !== this.fingerprint) this.key = this.newKey();
    this.fingerprint = fingerprint;
    const [only, ...others] = lines;
    const [grant, second] = wish.grants;
    if (!only || others.length || second) {
      return { t: 'buy.bag', lines, key: this.key, grants: [...wish.grants] };
    }
    return { t: 'buy', ...only, key: this.key, ...(grant ? { grant } : {}) };
  }
}

/** How long a tap came before the start, by the server's clock; whatever else is wrong is thrown. */
function earlyByMs(error: unknown): number {
  const waitMs =
    error instanceof Refused && error.code === 'sale_not_open' ? error.params['wait_ms'] : null;
  if (typeof waitMs !== 'number' || waitMs > PATIENCE_MS) throw error;
  return waitMs;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
