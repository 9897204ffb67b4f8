import { expect, test } from 'vitest';
import { monthsUntil, statementOwner, statementPage, statementTable } from './statements';

test('months follow each other without a gap, over the turn of a year too', () => {
  const months = monthsUntil(new Date(2026, 1, 15, 12).getTime(), 3);
  expect(months.map(({ from_ms }) => new Date(from_ms))).toEqual([
    new Date(2026, 1, 1),
    new Date(2026, 0, 1),
    new Date(2025, 11, 1),
  ]);
  expect(months.map(({ to_ms }) => to_ms)).toEqual([
    new Date(2026, 2, 1).getTime(),
    months[0]?.from_ms,
    months[1]?.from_ms,
  ]);
});

test('a statement is asked for by its owner, span and language, in the reader’s time zone', () => {
  const span = { from_ms: 1, to_ms: 2 };
  const zone = encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone);
  expect(statementPage('00shop', 'en', span)).toBe(
    `/api/statements/00shop?format=html&lang=en&time_zone=${zone}&from_ms=1&to_ms=2`,
  );
  expect(statementTable('a b', 'zh-CN')).toBe(
    `/api/statements/a%20b?format=csv&lang=zh-CN&time_zone=${zone}`,
  );
});

test('there are statements of shops and people, not of the platform or a provider', () => {
  expect(statementOwner('merchant.pending:shop')).toBe('shop');
  expect(statementOwner('creator.available:person')).toBe('person');
  expect(statementOwner('provider.receivable:sandbox')).toBe('');
  expect(statementOwner('platform.marketing')).toBe('');
});
