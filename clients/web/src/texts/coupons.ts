import { money, percent } from './format';
import { t } from './index.svelte';

const PPM = 1_000_000;

/** What of a coupon says how much it takes off. */
export interface Worth {
  discount_minor: number;
  threshold_minor: number;
  currency: string;
  percent_ppm?: number;
  exclusive?: boolean;
}

/** What a coupon takes off: an amount, or a part of the price. */
export function couponAmount(coupon: Worth): string {
  if (!coupon.percent_ppm) return money(coupon.discount_minor, coupon.currency);
  return percent(coupon.percent_ppm / PPM, 1);
}

/** What it takes to use a coupon. */
export function couponTerms(coupon: Worth): string[] {
  const { threshold_minor, discount_minor, currency } = coupon;
  return [
    ...(threshold_minor ? [t('coupon.over', { amount: money(threshold_minor, currency) })] : []),
    ...(coupon.percent_ppm ? [t('coupon.cap', { amount: money(discount_minor, currency) })] : []),
    ...(coupon.exclusive ? [t('coupon.alone')] : []),
  ];
}
