import { start } from '../../start';
import Studio from './Studio.svelte';

start(Studio);
