/** Values for tests: shows and segments. */
import type { ScheduledShow, Segment } from '../api';

const MINUTE_MS = 60_000;

export function segment(change: Partial<Segment> = {}): Segment {
  return {
    segment: 'segment1',
    room: 'r1',
    kind: 'brand',
    state: 'confirmed',
    brand: 'brand1',
    brand_name: { en: 'Brand' },
    title: { en: 'A slot' },
    starts_ms: 10 * MINUTE_MS,
    ends_ms: 20 * MINUTE_MS,
    products: [],
    commission_ppm: 200_000,
    note: '',
    reason: '',
    may: { accept: false, decline: false, cancel: false, extend: false },
    ...change,
  };
}

export function show(change: Partial<ScheduledShow> = {}): ScheduledShow {
  return {
    room: 'r1',
    title: { en: 'A show' },
    shop: 'shop1',
    shop_name: { en: 'Shop' },
    host: { person: 'h1', name: 'Host', role: 'host' },
    starts_ms: 0,
    ends_ms: 120 * MINUTE_MS,
    time_zone: 'Asia/Shanghai',
    phase: 'scheduled',
    segments: [],
    ...change,
  };
}
