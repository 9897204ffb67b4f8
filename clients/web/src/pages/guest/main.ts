import { start } from '../../start';
import Guest from './Guest.svelte';

start(Guest);
