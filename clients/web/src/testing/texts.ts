/** Tests read the texts that a page loads before it draws. */
import { loadTexts } from '../texts/index.svelte';

await loadTexts('desk');
