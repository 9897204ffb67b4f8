/** A product as it stands in the form: text as it was typed, and what becomes of it. */
import { exponent, minorUnits } from '../../../texts/format';
import type { Language, LocalText } from '../../../texts/index.svelte';
import type { Counted, Description, Listing, NewProduct } from './api';

export interface VariantDraft {
  /** Empty where it is new. */
  sku: string;
  code: string;
  title: string;
  price: string;
  onHand: string;
  lent: number;
  /** As the server knows it. */
  titles: LocalText;
  counted: number;
}

export interface Draft {
  code: string;
  titles: Record<string, string>;
  category: string;
  image: string;
  currency: string;
  variants: VariantDraft[];
}

export type Wrong = 'code' | 'title' | 'category' | 'sku' | 'price' | 'stock';

const MAX_UNITS = 1e9;

export function emptyVariant(): VariantDraft {
  return {
    sku: '',
    code: '',
    title: '',
    price: '',
    onHand: '0',
    lent: 0,
    titles: {},
    counted: 0,
  };
}

export function emptyDraft(currency: string): Draft {
  const titles = { 'zh-CN': '', en: '' };
  return { code: '', titles, category: '', image: '', currency, variants: [emptyVariant()] };
}

export function draftOf(product: Listing, language: Language): Draft {
  const digits = exponent(product.currency);
  return {
    code: product.product,
    titles: { 'zh-CN': '', en: '', ...product.title },
    category: product.category,
    image: product.image,
    currency: product.currency,
    variants: product.skus.map((one) => {
      const titles = isSame(one.title, product.title) ? {} : one.title;
      return {
        sku: one.sku,
        code: one.sku,
        title: titles[keyFor(titles, language)] ?? '',
        price: (one.price_minor / 10 ** digits).toFixed(digits),
        onHand: String(one.on_hand),
        lent: one.lent,
        titles,
        counted: one.on_hand,
      };
    }),
  };
}

function isSame(one: LocalText, other: LocalText): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  );
}

/** In which language a variant's name is edited: the reader's, or none where the shop says none. */
export function keyFor(title: LocalText, language: Language): string {
  return language in title || !('und' in title) ? language : 'und';
}

export interface Problem {
  /** The number of the variant; `-1` stands for the product. */
  at: number;
  what: Wrong;
  /** Nothing is typed there yet. */
  missing: boolean;
}

/** What keeps a draft from being saved. */
export function problems(draft: Draft): Problem[] {
  const found = [
    problem(-1, 'code', draft.code, true),
    problem(-1, 'title', Object.values(titleOf(draft))[0] ?? '', true),
    problem(-1, 'category', draft.category, true),
    ...draft.variants.flatMap((one, at) => [
      problem(at, 'sku', one.code, isFirst(draft, one)),
      problem(at, 'price', one.price, minorUnits(one.price, draft.currency) !== null),
      problem(at, 'stock', one.onHand, unitsOf(one) !== null),
    ]),
  ];
  return found.filter((one) => one !== null);
}

function problem(at: number, what: Wrong, typed: string, isRight: boolean): Problem | null {
  const missing = !typed.trim();
  return isRight && !missing ? null : { at, what, missing };
}

/** Whether no variant before it has its code. */
function isFirst(draft: Draft, one: VariantDraft): boolean {
  return draft.variants.find((other) => other.code.trim() === one.code.trim()) === one;
}

export function descriptionOf(draft: Draft, language: Language): Description {
  return {
    title: titleOf(draft),
    category: draft.category.trim(),
    image: draft.image.trim(),
    skus: draft.variants.map((one) => ({
      sku: one.sku || one.code.trim(),
      price_minor: minorUnits(one.price, draft.currency) ?? 0,
      title: named(one, language),
    })),
  };
}

export function newProductOf(draft: Draft, language: Language): NewProduct {
  const { skus, ...rest } = descriptionOf(draft, language);
  return {
    ...rest,
    product: draft.code.trim(),
    currency: draft.currency,
    skus: skus.map((sku, at) => ({
      ...sku,
      on_hand: unitsOf(draft.variants[at] ?? emptyVariant()) ?? 0,
    })),
  };
}

/** Variants whose stock was counted anew, with the number that the form began with. */
export function countsOf(draft: Draft): (Counted & { expected: number })[] {
  return draft.variants.flatMap((one) => {
    const units = unitsOf(one);
    const isOther = one.sku !== '' && units !== null && units !== one.counted;
    return isOther ? [{ sku: one.sku, on_hand: units, expected: one.counted }] : [];
  });
}

export function unitsOf({ onHand }: VariantDraft): number | null {
  const clean = onHand.trim();
  return /^\d{1,10}$/.test(clean) && Number(clean) <= MAX_UNITS ? Number(clean) : null;
}

function titleOf(draft: Draft): LocalText {
  const told = Object.entries(draft.titles).map(([name, text]) => [name, text.trim()] as const);
  return Object.fromEntries(told.filter(([, text]) => text));
}

/** A variant without a name of its own is called as its product. */
function named(one: VariantDraft, language: Language): LocalText {
  const key = keyFor(one.titles, language);
  const others = Object.entries(one.titles).filter(([name]) => name !== key);
  const own = one.title.trim();
  return Object.fromEntries(own ? [...others, [key, own]] : others);
}

/** Products whose name, category or ids contain every word. */
export function search(products: readonly Listing[], typed: string): Listing[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return products.filter((product) => {
    const said = [
      ...Object.values(product.title),
      product.category,
      product.product,
      ...product.skus.flatMap((one) => [one.sku, ...Object.values(one.title)]),
    ]
      .join('\n')
      .toLowerCase();
    return words.every((word) => said.includes(word));
  });
}
