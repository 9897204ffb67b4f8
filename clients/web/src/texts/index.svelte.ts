import en from './en';
import { fill, type Params } from './message';
import zh from './zh-CN';

export type Language = 'zh-CN' | 'en';
export type TextKey = keyof typeof en;

/** What shops write, in one or several languages (BCP 47 language → text). */
export type LocalText = Readonly<Record<string, string>>;

export const languages: Readonly<Record<Language, string>> = { 'zh-CN': '简体中文', en: 'English' };

const messages: Record<Language, Record<TextKey, string>> = { 'zh-CN': zh, en };

const current = $state<{ language: Language }>({ language: preferred() });

/** The language on the screen; reading it in a component makes the component follow it. */
export function language(): Language {
  return current.language;
}

export function setLanguage(next: Language): void {
  current.language = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem('language', next);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

/** The text of a key in the current language. */
export function t(key: TextKey, params: Params = {}): string {
  return fill(messages[current.language][key], params, current.language);
}

export function hasText(key: string): key is TextKey {
  return key in en;
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
