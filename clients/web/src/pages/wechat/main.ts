import { start } from '../../start';
import Wechat from './Wechat.svelte';

start(Wechat);
