import { start } from '../../start';
import Room from './Room.svelte';

start(Room);
