import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RefundPreview } from '../../after-sales/api';
import { ApiError } from '../../api';
import { Preview } from './preview.svelte';

const answer = (amount_minor: number): RefundPreview => ({
  amount_minor,
  left_minor: 0,
  currency: 'CNY',
  lines: [],
  shares: [],
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('only the last wish is asked for, once the fingers rest', async () => {
  const preview = new Preview();
  const asked = [1, 2].map((amount) => vi.fn(() => Promise.resolve(answer(amount))));
  for (const ask of asked) preview.of(ask);
  await vi.runAllTimersAsync();
  expect(asked.map((ask) => ask.mock.calls.length)).toEqual([0, 1]);
  expect(preview.answer?.amount_minor).toBe(2);
});

test('an answer that comes when something else is wished for does not count', async () => {
  const preview = new Preview();
  let late: (found: RefundPreview) => void = () => undefined;
  preview.of(() => new Promise((resolve) => (late = resolve)));
  await vi.runAllTimersAsync();
  preview.of(() => Promise.resolve(answer(2)));
  await vi.runAllTimersAsync();
  late(answer(1));
  await vi.runAllTimersAsync();
  expect(preview.answer?.amount_minor).toBe(2);
});

test('a refusal is told in place of an amount', async () => {
  const preview = new Preview();
  preview.of(() => Promise.reject(new ApiError(409, 'refund_too_large')));
  await vi.runAllTimersAsync();
  expect(preview.answer).toBeNull();
  expect(preview.refusal).not.toBe('');
});

test('nothing is asked for while the refund itself is, unless it is refused', async () => {
  const preview = new Preview();
  const ask = vi.fn(() => Promise.resolve(answer(1)));
  await preview.during(async () => preview.of(ask));
  await vi.runAllTimersAsync();
  expect(ask).not.toHaveBeenCalled();
  const other = new Preview();
  await other.during(() => Promise.reject(new Error())).catch(() => undefined);
  other.of(ask);
  await vi.runAllTimersAsync();
  expect(ask).toHaveBeenCalledOnce();
});
