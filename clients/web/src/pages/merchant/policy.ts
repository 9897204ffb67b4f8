/** A shop's policy as a form: what people type, and what of it can be kept. */
import type { Policy } from '../../api';
import { exponent, minorUnits } from '../../texts/format';

export interface PolicyDraft {
  days: string;
  shipping: string;
  freeFrom: string;
  hours: string;
  addressNeeded: boolean;
}

export type PolicyField = Exclude<keyof PolicyDraft, 'addressNeeded'>;

export const MOST_DAYS = 365;
export const MOST_HOURS = 24 * 90;

export function draftOf(policy: Policy, currency: string): PolicyDraft {
  const amount = (minor: number): string => {
    const digits = exponent(currency);
    return (minor / 10 ** digits).toFixed(minor % 10 ** digits ? digits : 0);
  };
  return {
    days: String(policy.return_window_days),
    shipping: amount(policy.shipping_minor),
    freeFrom: policy.free_shipping_from_minor ? amount(policy.free_shipping_from_minor) : '',
    hours: String(policy.ships_within_hours),
    addressNeeded: policy.address_needed,
  };
}

/** The policy, or the fields that stand in its way. */
export function policyOf(
  draft: PolicyDraft,
  currency: string,
): { policy: Policy; wrong: [] } | { policy: null; wrong: PolicyField[] } {
  const days = whole(draft.days, MOST_DAYS);
  const hours = whole(draft.hours, MOST_HOURS);
  const shipping = minorUnits(draft.shipping, currency);
  const freeFrom = draft.freeFrom.trim() === '' ? 0 : minorUnits(draft.freeFrom, currency);
  if (days === null || hours === null || shipping === null || freeFrom === null) {
    const read = { days, hours, shipping, freeFrom };
    const wrong = (Object.keys(read) as PolicyField[]).filter((field) => read[field] === null);
    return { policy: null, wrong };
  }
  return {
    policy: {
      return_window_days: days,
      shipping_minor: shipping,
      free_shipping_from_minor: freeFrom,
      ships_within_hours: hours,
      address_needed: draft.addressNeeded,
    },
    wrong: [],
  };
}

function whole(typed: string, most: number): number | null {
  const value = /^\d{1,5}$/.test(typed.trim()) ? Number(typed) : NaN;
  return value <= most ? value : null;
}
