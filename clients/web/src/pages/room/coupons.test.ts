import { expect, test } from 'vitest';
import { grant, product, sale } from '../../testing/room';
import { bestCoupon, discountOf, usableCoupons } from './coupons';

test('one unit is always left to pay', () => {
  expect(discountOf(grant(1, { discount_minor: 5000 }), 3990)).toBe(3989);
});

test('only active coupons of the currency, at or above their threshold, can be used', () => {
  const wallet = [
    grant(1, { grant: 'ok', threshold_minor: 3990 }),
    grant(1, { grant: 'locked', state: 'locked' }),
    grant(1, { grant: 'spent', state: 'spent' }),
    grant(1, { grant: 'dollars', currency: 'USD' }),
    grant(1, { grant: 'high', threshold_minor: 3991 }),
  ];
  expect(usableCoupons(wallet, 3990, sale()).map((card) => card.grant)).toEqual(['ok']);
});

test('a merchant’s coupon is for its own products', () => {
  const wallet = [grant(1, { shop: 'mine' }), grant(1, { grant: 'other', shop: 'other' })];
  const mine = sale('sale1', { product: { ...product(), shop: 'mine' } });
  expect(usableCoupons(wallet, 3990, mine).map((card) => card.shop)).toEqual(['mine']);
});

test('the best one is proposed', () => {
  const wallet = [grant(1, { grant: 'a', discount_minor: 500 }), grant(1, { grant: 'b' })];
  expect(bestCoupon(usableCoupons(wallet, 3990, sale()), 3990)?.grant).toBe('b');
});

test('a percentage is rounded down and stops at its cap', () => {
  const tenth = grant(1, { percent_ppm: 100_000, discount_minor: 500 });
  expect(discountOf(tenth, 3999)).toBe(399);
  expect(discountOf(tenth, 9900)).toBe(500);
  const wallet = [tenth, grant(1, { grant: 'fixed', discount_minor: 450 })];
  expect(usableCoupons(wallet, 3999, sale()).map((card) => card.grant)).toEqual(['fixed', 'g1']);
});
