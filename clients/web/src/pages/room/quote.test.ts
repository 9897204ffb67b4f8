import { expect, test } from 'vitest';
import { ApiError, type Quote, type QuoteRequest } from '../../api';
import { grant, sale } from '../../testing/room';
import { Quotation } from './quote.svelte';

const policy = {
  return_window_days: 7,
  shipping_minor: 0,
  free_shipping_from_minor: 0,
  ships_within_hours: 48,
  address_needed: true,
};
const lines = [{ sale: sale(), qty: 1 }];
const ours = grant(1, { grant: 'ours', shop: 'shop' });
const second = grant(1, { grant: 'second', shop: 'shop' });
const theirs = grant(1, { grant: 'theirs' });
const alone = grant(1, { grant: 'alone', exclusive: true });
const wallet = [ours, second, theirs, alone];

/** A server that takes 100 off for each coupon that it is told to use, or for the first two. */
function desk(): { asked: QuoteRequest[]; ask: (request: QuoteRequest) => Promise<Quote> } {
  const asked: QuoteRequest[] = [];
  return {
    asked,
    ask(request) {
      asked.push(request);
      const used = request.chosen ?? ['ours', 'theirs'];
      const coupons = request.wallet.map((id) => ({
        grant: id,
        discount_minor: used.includes(id) ? 100 : 0,
        code: '',
        params: {},
      }));
      const discount = 100 * used.length;
      return Promise.resolve({
        currency: 'CNY',
        gross_minor: 3990,
        discount_minor: discount,
        shipping_minor: 0,
        total_minor: 3990 - discount,
        coupons,
        policy,
      });
    },
  };
}

test('the same question is asked once', async () => {
  const server = desk();
  const quotation = new Quotation(server.ask);
  await quotation.follow(lines, wallet);
  await quotation.follow(lines, wallet);
  expect(server.asked).toHaveLength(1);
  expect(quotation.used).toEqual(['ours', 'theirs']);
});

test('a coupon takes the place of the one with the same funder, an exclusive one of all', async () => {
  const quotation = new Quotation(desk().ask);
  await quotation.follow(lines, wallet);
  quotation.toggle(second, wallet);
  expect(quotation.chosen).toEqual(['theirs', 'second']);
  await quotation.follow(lines, wallet);
  quotation.toggle(alone, wallet);
  expect(quotation.chosen).toEqual(['alone']);
  await quotation.follow(lines, wallet);
  quotation.toggle(alone, wallet);
  expect(quotation.chosen).toEqual([]);
});

test('coupons that no longer fit make way for the best ones', async () => {
  const quotation = new Quotation((request) =>
    request.chosen ? Promise.reject(new ApiError(409, 'coupon_threshold')) : desk().ask(request),
  );
  quotation.chosen = ['ours'];
  await quotation.follow(lines, wallet);
  expect([quotation.chosen, quotation.refusal]).toEqual([null, null]);
  await quotation.follow(lines, wallet);
  expect(quotation.used).toEqual(['ours', 'theirs']);
});

test('lines that make no order say why', async () => {
  const quotation = new Quotation(() => Promise.reject(new ApiError(409, 'several_shops')));
  await quotation.follow(lines, wallet);
  expect(quotation.refusal?.code).toBe('several_shops');
});
