import { start } from '../../start';
import Order from './Order.svelte';

start(Order);
