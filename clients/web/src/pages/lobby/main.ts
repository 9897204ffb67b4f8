import { start } from '../../start';
import Lobby from './Lobby.svelte';

start(Lobby);
