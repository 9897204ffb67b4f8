/** What an address needs in a country; the server's `addresses.py` decides, this asks for it. */
import type { Address } from '../api';

export type AddressField = Exclude<keyof Address, 'country'>;

export const COUNTRIES = ['CN', 'HK', 'TW', 'SG', 'JP', 'KR', 'US', 'GB', 'DE', 'FR', 'AU', 'CA'];

const NEEDED: Record<string, AddressField[]> = {
  CN: ['name', 'phone', 'region', 'city', 'district', 'street'],
  US: ['name', 'phone', 'street', 'city', 'region', 'postcode'],
  GB: ['name', 'phone', 'street', 'city', 'postcode'],
  DE: ['name', 'phone', 'street', 'postcode', 'city'],
  JP: ['name', 'phone', 'postcode', 'region', 'city', 'street'],
};
const OTHERS: AddressField[] = ['name', 'phone', 'street', 'city'];

/** What the form shows for a country: what is needed, then what may be given. */
export function fieldsOf(country: string): { field: AddressField; needed: boolean }[] {
  const needed = NEEDED[country] ?? OTHERS;
  const more: AddressField[] = country in NEEDED ? [] : ['region', 'postcode'];
  return [
    ...needed.map((field) => ({ field, needed: true })),
    ...more.map((field) => ({ field, needed: false })),
  ];
}

/** The first field that is needed and empty. */
export function missing(address: Address): AddressField | null {
  const empty = fieldsOf(address.country).find(
    ({ field, needed }) => needed && !address[field].trim(),
  );
  return empty?.field ?? null;
}

/** An address on one line, from the largest place to the smallest in China, else the other way. */
export function oneLine(address: Address): string {
  const { region, city, district, street, postcode, country } = address;
  if (country === 'CN') return [region, city, district, street].filter(Boolean).join(' ');
  return [street, district, [postcode, city].filter(Boolean).join(' '), region, country]
    .filter(Boolean)
    .join(', ');
}

export function emptyAddress(country: string): Address {
  return {
    country,
    name: '',
    phone: '',
    region: '',
    city: '',
    district: '',
    street: '',
    postcode: '',
  };
}
