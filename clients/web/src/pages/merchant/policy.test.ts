import { expect, test } from 'vitest';
import { draftOf, policyOf } from './policy';

const policy = {
  return_window_days: 7,
  shipping_minor: 850,
  free_shipping_from_minor: 6900,
  ships_within_hours: 48,
  address_needed: true,
};

test('a policy survives the form', () => {
  expect(draftOf(policy, 'CNY')).toMatchObject({ shipping: '8.50', freeFrom: '69' });
  expect(policyOf(draftOf(policy, 'CNY'), 'CNY').policy).toEqual(policy);
  expect(policyOf(draftOf(policy, 'JPY'), 'JPY').policy).toEqual(policy);
});

test('no amount means that sending is never free', () => {
  const draft = draftOf({ ...policy, free_shipping_from_minor: 0 }, 'CNY');
  expect(draft.freeFrom).toBe('');
  expect(policyOf(draft, 'CNY').policy?.free_shipping_from_minor).toBe(0);
});

test('what cannot be kept is named, field by field', () => {
  const draft = { days: '366', shipping: '1.234', freeFrom: 'x', hours: '', addressNeeded: false };
  expect(policyOf(draft, 'CNY').wrong.sort()).toEqual(['days', 'freeFrom', 'hours', 'shipping']);
});
