import { expect, test } from 'vitest';
import { emptyAddress, fieldsOf, missing, oneLine } from './forms';

const hangzhou = {
  country: 'CN',
  name: 'Mei',
  phone: '13800000000',
  region: '浙江省',
  city: '杭州市',
  district: '西湖区',
  street: '示例路 1 号',
  postcode: '',
};

test('a Chinese address asks for province, city and district', () => {
  expect(fieldsOf('CN').map((one) => one.field)).toEqual([
    'name',
    'phone',
    'region',
    'city',
    'district',
    'street',
  ]);
  expect(missing(hangzhou)).toBeNull();
  expect(missing({ ...hangzhou, district: ' ' })).toBe('district');
});

test('other countries are asked for what a parcel needs, and may give more', () => {
  expect(missing({ ...emptyAddress('FR'), name: 'A', phone: '1', street: 'B' })).toBe('city');
  expect(fieldsOf('FR').filter((one) => !one.needed)).toHaveLength(2);
});

test('an address is written as its country does', () => {
  expect(oneLine(hangzhou)).toBe('浙江省 杭州市 西湖区 示例路 1 号');
  expect(
    oneLine({ ...emptyAddress('DE'), street: 'Weg 1', postcode: '10115', city: 'Berlin' }),
  ).toBe('Weg 1, 10115 Berlin, DE');
});
