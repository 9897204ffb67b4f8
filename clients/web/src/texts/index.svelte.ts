import type en from './en/desk';
import { fill, type Params } from './message';

export type Language = 'zh-CN' | 'en';
export type TextKey = keyof typeof en;
type Texts = Readonly<Record<TextKey, string>>;

/** What shops write, in one or several languages (BCP 47 language → text). */
export type LocalText = Readonly<Record<string, string>>;

export const languages: Readonly<Record<Language, string>> = { 'zh-CN': '简体中文', en: 'English' };

/** Whose page it is: buyers' phones do not load what is said to those who sell, host and operate. */
export type Readers = 'everybody' | 'desk';

type Source = () => Promise<{ default: Partial<Texts> }>;

/** Each language is a file of its own: a page loads the one that is read. */
const sources: Record<Readers, Record<Language, Source>> = {
  everybody: { 'zh-CN': () => import('./zh-CN'), en: () => import('./en') },
  desk: { 'zh-CN': () => import('./zh-CN/desk'), en: () => import('./en/desk') },
};

let readers: Readers = 'everybody';

let current = $state.raw<{ language: Language; texts: Partial<Texts> }>({
  language: preferred(),
  texts: {},
});

/** The language on the screen; reading it in a component makes the component follow it. */
export function language(): Language {
  return current.language;
}

/** Loads what is said in the current language; a page draws nothing before. */
export async function loadTexts(of: Readers): Promise<void> {
  readers = of;
  const { language } = current;
  current = { language, texts: (await sources[readers][language]()).default };
}

/** Loads another language, then changes to it all at once. */
export async function setLanguage(next: Language): Promise<void> {
  current = { language: next, texts: (await sources[readers][next]()).default };
  document.documentElement.lang = next;
  try {
    localStorage.setItem('language', next);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

/** The text of a key in the current language. */
export function t(key: TextKey, params: Params = {}): string {
  return fill(current.texts[key] ?? key, params, current.language);
}

export function hasText(key: string): key is TextKey {
  return key in current.texts;
}

/** A shop's text in the current language, or the nearest that there is. */
export function local(text: LocalText | null | undefined): string {
  if (!text) return '';
  const short = current.language.split('-')[0] ?? '';
  const near = Object.keys(text).find((name) => name.startsWith(short));
  return (
    text[current.language] ??
    (near ? text[near] : undefined) ??
    text['und'] ??
    text['en'] ??
    Object.values(text)[0] ??
    ''
  );
}

function preferred(): Language {
  if (typeof navigator === 'undefined') return 'en';
  let stored: string | null = null;
  try {
    stored = localStorage.getItem('language');
  } catch {
    // Without storage the browser's own preference decides.
  }
  if (stored === 'zh-CN' || stored === 'en') return stored;
  return navigator.languages.some((tag) => tag.startsWith('zh')) ? 'zh-CN' : 'en';
}
