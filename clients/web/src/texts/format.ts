import { language, t } from './index.svelte';

/** An amount of minor units as people write it, by the currency's ISO 4217 exponent. */
export function money(minor: number, currency: string): string {
  return moneyFormat(currency).format(minor / 10 ** exponent(currency));
}

/** The parts of an amount, so that the symbol and the decimals can be set smaller. */
export function moneyParts(minor: number, currency: string): Intl.NumberFormatPart[] {
  return moneyFormat(currency).formatToParts(minor / 10 ** exponent(currency));
}

/** How many decimals a currency has. */
export function exponent(currency: string): number {
  return (
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
      .maximumFractionDigits ?? 2
  );
}

/** Minor units from what a person typed, or null where it is not an amount. */
export function minorUnits(typed: string, currency: string): number | null {
  const clean = typed.trim().replace(/,/g, '');
  if (!/^\d+(\.\d*)?$|^\.\d+$/.test(clean)) return null;
  const digits = exponent(currency);
  const [whole = '0', fraction = ''] = clean.split('.');
  if (fraction.replace(/0+$/, '').length > digits) return null;
  return Number(`${whole || '0'}${fraction.padEnd(digits, '0').slice(0, digits)}`);
}

export function count(value: number): string {
  return new Intl.NumberFormat(language()).format(value);
}

/** A large number shortened: 12.3K, 1.2万. */
export function compact(value: number): string {
  return new Intl.NumberFormat(language(), {
    notation: 'compact',
    maximumFractionDigits: 1,
  }).format(value);
}

export function percent(ratio: number, digits = 0): string {
  return new Intl.NumberFormat(language(), {
    style: 'percent',
    maximumFractionDigits: digits,
  }).format(ratio);
}

/** Day and time, in the reader's zone or in the one given (IANA name). */
export function dateTime(ms: number, timeZone?: string): string {
  return new Intl.DateTimeFormat(language(), {
    month: 'short',
    day: 'numeric',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
    ...(timeZone ? { timeZone } : {}),
  }).format(ms);
}

export function timeOfDay(ms: number, timeZone?: string): string {
  return new Intl.DateTimeFormat(language(), {
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
    ...(timeZone ? { timeZone } : {}),
  }).format(ms);
}

/** A month of the reader's calendar, with its year. */
export function month(ms: number): string {
  return new Intl.DateTimeFormat(language(), { year: 'numeric', month: 'long' }).format(ms);
}

/** A duration in its one or two largest units: "2 days 3 h", "4 min 10 s". */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const units = [
    ['time.days', Math.floor(seconds / 86_400)],
    ['time.hours', Math.floor(seconds / 3600) % 24],
    ['time.minutes', Math.floor(seconds / 60) % 60],
    ['time.seconds', seconds % 60],
  ] as const;
  const first = units.findIndex(([, n]) => n > 0);
  if (first < 0) return t('time.seconds', { n: 0 });
  return units
    .slice(first, first + 2)
    .filter(([, n]) => n > 0)
    .map(([key, n]) => t(key, { n }))
    .join(' ');
}

/** A countdown's clock face: "04:09", "1:04:09". */
export function clockFace(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const face = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const hours = Math.floor(seconds / 3600);
  return hours ? `${hours}:${face}` : face;
}

function moneyFormat(currency: string): Intl.NumberFormat {
  return new Intl.NumberFormat(language(), {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
  });
}
