import { expect, test } from 'vitest';
import { clockFace, exponent, minorUnits, money } from './format';

test('money follows the currency’s exponent', () => {
  expect(money(3990, 'CNY')).toBe('¥39.90');
  expect(money(500, 'JPY')).toBe('¥500');
  expect(exponent('BHD')).toBe(3);
});

test('typed amounts become minor units, exactly', () => {
  expect(minorUnits('39.9', 'CNY')).toBe(3990);
  expect(minorUnits('1,200', 'JPY')).toBe(1200);
  expect(minorUnits('0.1', 'CNY')).toBe(10);
  expect(minorUnits('.5', 'CNY')).toBe(50);
});

test('what is not an amount is refused rather than rounded', () => {
  for (const typed of ['', 'ten', '-1', '1.005', '1e3', '.'])
    expect(minorUnits(typed, 'CNY')).toBeNull();
});

test('a countdown shows its last second until it is over', () => {
  expect(clockFace(249_000)).toBe('04:09');
  expect(clockFace(1)).toBe('00:01');
  expect(clockFace(0)).toBe('00:00');
  expect(clockFace(3_849_000)).toBe('1:04:09');
});
