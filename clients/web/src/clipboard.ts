import { t, type TextKey } from './texts/index.svelte';
import { toast } from './toasts.svelte';

/** Copies a text and says so; where the browser does not let us, says what to do instead. */
export async function copyText(
  text: string,
  done: TextKey = 'copy.done',
  failed: TextKey = 'copy.failed',
): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(t(done), 'good');
  } catch {
    toast(t(failed), 'bad');
  }
}
