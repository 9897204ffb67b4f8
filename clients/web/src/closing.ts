/** Why the server closed a socket for good, in words. */
import { t } from './texts/index.svelte';

export const BANNED = 4504;
export const SIGNED_OUT = 4505;

export function closingText(code: number): string {
  if (code === BANNED) return t('moderate.banned');
  if (code === SIGNED_OUT) return t('connection.signed_out');
  return t('connection.closed');
}
