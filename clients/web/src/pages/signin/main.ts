import { start } from '../../start';
import SignIn from './SignIn.svelte';

start(SignIn);
