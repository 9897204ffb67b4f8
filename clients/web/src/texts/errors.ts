import { ApiError } from '../api';
import { hasText, t } from './index.svelte';
import type { Params } from './message';

/** What is said of a refusal: its own text, or an honest general one that still names the code. */
export function codeText(code: string, params: Params = {}, temporary = false): string {
  const key = `error.${code}`;
  if (hasText(key)) return t(key, params);
  return temporary ? t('error.temporary') : t('error.unknown', { code });
}

export function errorText(error: unknown): string {
  if (error instanceof ApiError) return codeText(error.code, error.params, error.temporary);
  return t('error.unknown', { code: error instanceof Error ? error.name : String(error) });
}
