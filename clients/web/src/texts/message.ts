/** The values that a text's placeholders take. */
export type Params = Record<string, string | number>;

/**
 * Fills a text's placeholders: `{name}` is a value, `{n|item|items}` is chosen by the plural form
 * that the language has for `n` (the last one stands for "other").
 */
export function fill(text: string, params: Params, language: string): string {
  return text.replace(/\{(\w+)((?:\|[^|{}]*)*)\}/g, (whole, name: string, forms: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    if (!forms) return typeof value === 'number' ? formatNumber(value, language) : value;
    const [, one = '', ...others] = forms.split('|');
    const form = new Intl.PluralRules(language).select(Number(value));
    return form === 'one' ? one : (others.at(-1) ?? one);
  });
}

function formatNumber(value: number, language: string): string {
  return new Intl.NumberFormat(language).format(value);
}

/** The names of a text's placeholders, sorted; two translations must agree on them. */
export function placeholders(text: string): string[] {
  const names = [...text.matchAll(/\{(\w+)/g)].map((match) => match[1] ?? '');
  return [...new Set(names)].sort();
}
