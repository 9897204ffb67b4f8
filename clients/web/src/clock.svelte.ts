/** The server's time as the screen needs it: it moves every quarter second while someone looks. */
import { createSubscriber } from 'svelte/reactivity';

let offsetMs = 0;

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, 250);
  return () => clearInterval(timer);
});

/** Sets how far the server's clock is ahead of ours. */
export function setClockOffset(ms: number): void {
  offsetMs = ms;
}

/** The server's time; a component that reads it is drawn again as time goes by. */
export function serverNow(): number {
  subscribe();
  return Date.now() + offsetMs;
}
