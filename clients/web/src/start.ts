import { mount, type Component } from 'svelte';
import './base.css';
import { session } from './session.svelte';
import { errorText } from './texts/errors';
import { language } from './texts/index.svelte';
import { toast } from './toasts.svelte';

/** Draws a page: language and session first asked for, then its component put in place. */
export function start(Page: Component): void {
  document.documentElement.lang = language();
  session.load().catch((error: unknown) => toast(errorText(error), 'bad'));
  const target = document.getElementById('app');
  if (target) mount(Page, { target });
}
