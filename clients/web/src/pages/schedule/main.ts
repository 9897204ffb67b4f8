import { start } from '../../start';
import Schedule from './Schedule.svelte';

start(Schedule);
