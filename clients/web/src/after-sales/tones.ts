/** How the states of returns, refunds and parcels are coloured: something to do, good, bad, or neither. */
import type { Parcel, Refund, ReturnCase } from './api';

export type Tone = 'neutral' | 'accent' | 'good' | 'warn' | 'danger';

export const RETURN_TONES: Record<ReturnCase['state'], Tone> = {
  requested: 'warn',
  approved: 'accent',
  sent_back: 'accent',
  received: 'warn',
  refunding: 'accent',
  refunded: 'good',
  declined: 'neutral',
  canceled: 'neutral',
};

export const REFUND_TONES: Record<Refund['state'], Tone> = {
  requested: 'accent',
  sent: 'accent',
  done: 'good',
  failed: 'danger',
};

export const PARCEL_TONES: Record<Parcel['state'], Tone> = {
  shipped: 'neutral',
  in_transit: 'accent',
  out_for_delivery: 'accent',
  delivered: 'good',
};
