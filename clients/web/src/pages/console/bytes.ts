import { language } from '../../texts/index.svelte';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** A size in its largest fitting unit: "83 MB". */
export function bytes(size: number): string {
  const power = Math.min(
    UNITS.length - 1,
    Math.max(0, Math.floor(Math.log10(Math.max(1, size)) / 3)),
  );
  return new Intl.NumberFormat(language(), {
    style: 'unit',
    unit: UNITS[power],
    unitDisplay: 'short',
    maximumFractionDigits: power > 2 ? 1 : 0,
  } as Intl.NumberFormatOptions).format(size / 1000 ** power);
}
