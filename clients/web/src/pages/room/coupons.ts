/** What a coupon does to a price; the server's checkout decides, this shows it beforehand. */
import type { GrantCard, SaleCard } from '../../wire';

const PPM = 1_000_000;

/** What a coupon takes off; one unit is left to pay, as providers take no empty payments. */
export function discountOf(grant: GrantCard, grossMinor: number): number {
  const part = grant.percent_ppm ? Math.floor((grossMinor * grant.percent_ppm) / PPM) : Infinity;
  return Math.max(0, Math.min(grant.discount_minor, part, grossMinor - 1));
}

/** The coupons of a wallet that can be used for an amount of a sale, the best first. */
export function usableCoupons(
  wallet: readonly GrantCard[],
  grossMinor: number,
  sale: Pick<SaleCard, 'currency' | 'product'>,
): GrantCard[] {
  return wallet
    .filter(
      (grant) =>
        grant.state === 'active' &&
        grant.currency === sale.currency &&
        (!grant.shop || grant.shop === sale.product.shop) &&
        grant.threshold_minor <= grossMinor,
    )
    .sort((a, b) => discountOf(b, grossMinor) - discountOf(a, grossMinor));
}

export function bestCoupon(
  usable: readonly GrantCard[],
  grossMinor: number,
): GrantCard | undefined {
  return usable.find((grant) => discountOf(grant, grossMinor) > 0);
}
