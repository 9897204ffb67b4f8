import { start } from '../../start';
import Console from './Console.svelte';

start(Console);
