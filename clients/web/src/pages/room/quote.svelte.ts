/** What the server says that lines cost with a wallet's coupons; follows both as they change. */
import { ApiError, type Quote, type QuotedCoupon, type QuoteRequest } from '../../api';
import type { GrantCard } from '../../wire';
import type { BagLine } from './bag.svelte';

export class Quotation {
  quote = $state.raw<Quote | null>(null);
  /** What stands in the way of an order of these lines. */
  refusal = $state.raw<ApiError | null>(null);
  /** The coupons that the buyer wants; null: the best ones. */
  chosen = $state.raw<string[] | null>(null);
  private asked = '';

  constructor(private readonly ask: (request: QuoteRequest) => Promise<Quote>) {}

  /** The coupons that lower the order. */
  get used(): string[] {
    const coupons = this.quote?.coupons ?? [];
    return coupons.filter((coupon) => coupon.discount_minor > 0).map((coupon) => coupon.grant);
  }

  of(grant: string): QuotedCoupon | undefined {
    return this.quote?.coupons.find((coupon) => coupon.grant === grant);
  }

  /** Uses a coupon, or no longer; one of the same funder gives way to it. */
  toggle(grant: GrantCard, wallet: readonly GrantCard[]): void {
    const used = this.used;
    if (used.includes(grant.grant)) {
      this.chosen = used.filter((one) => one !== grant.grant);
      return;
    }
    const beside = wallet.filter(
      (one) =>
        used.includes(one.grant) &&
        !one.exclusive &&
        !grant.exclusive &&
        Boolean(one.shop) !== Boolean(grant.shop),
    );
    this.chosen = [...beside.map((one) => one.grant), grant.grant];
  }

  /** Asks anew where lines, wallet or choice differ from what was asked last; the last answer counts. */
  async follow(lines: readonly BagLine[], wallet: readonly GrantCard[]): Promise<void> {
    const request: QuoteRequest = {
      lines: lines.map(({ sale, qty }) => ({
        sale: sale.sale,
        price_minor: sale.price_minor,
        qty,
      })),
      wallet: wallet.filter((grant) => grant.state === 'active').map((grant) => grant.grant),
      chosen: this.chosen,
    };
    const written = JSON.stringify(request);
    if (written === this.asked || !request.lines.length) return;
    this.asked = written;
    try {
      const quote = await this.ask(request);
      if (written === this.asked) [this.quote, this.refusal] = [quote, null];
    } catch (error) {
      if (written !== this.asked) return;
      this.asked = '';
      if (this.chosen && error instanceof ApiError && error.code.startsWith('coupon')) {
        this.chosen = null; // what fitted before does not fit these lines: the best ones again
      } else {
        this.refusal = error instanceof ApiError ? error : new ApiError(0, 'offline', {}, true);
      }
    }
  }
}
