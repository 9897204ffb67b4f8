import { start } from '../../start';
import Merchant from './Merchant.svelte';

start(Merchant);
