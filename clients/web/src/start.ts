import { mount, type Component } from 'svelte';
import './base.css';
import { session } from './session.svelte';
import { errorText } from './texts/errors';
import { language, loadTexts } from './texts/index.svelte';
import { toast } from './toasts.svelte';

/** Said where not even the texts could be loaded. */
const RELOAD = 'This page could not be loaded. Please reload it. · 页面加载失败，请刷新。';

/** Draws a page: texts and session are asked for at once; its component waits for the texts alone. */
export function start(Page: Component): void {
  document.documentElement.lang = language();
  session.load().catch((error: unknown) => toast(errorText(error), 'bad'));
  const target = document.getElementById('app');
  if (target) void draw(Page, target);
}

async function draw(Page: Component, target: HTMLElement): Promise<void> {
  try {
    await loadTexts(document.documentElement.dataset['texts'] === 'desk' ? 'desk' : 'everybody');
  } catch (error) {
    target.setAttribute('role', 'alert');
    target.textContent = RELOAD;
    throw error;
  }
  mount(Page, { target });
}
