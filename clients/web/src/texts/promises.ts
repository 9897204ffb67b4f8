import { t } from './index.svelte';

/** What a shop promises to a buyer. */
export interface Promises {
  return_window_days?: number;
  ships_within_hours?: number;
}

/** Each promise as a few words. */
export function promises({ return_window_days, ships_within_hours }: Promises): string[] {
  return [
    ...(ships_within_hours ? [t('policy.ships', { n: ships_within_hours })] : []),
    return_window_days ? t('policy.returns', { n: return_window_days }) : t('policy.no_returns'),
  ];
}
