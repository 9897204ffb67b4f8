import { language } from '../../texts/index.svelte';

/** A bit rate as encoders show it: "2.4 Mbps". */
export function megabits(bitsPerSecond: number): string {
  const digits = new Intl.NumberFormat(language(), { maximumFractionDigits: 1 });
  return `${digits.format(bitsPerSecond / 1_000_000)} Mbps`;
}
