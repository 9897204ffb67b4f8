/** The shows that somebody hosts, in the order in which they matter. */
import type { ScheduledShow } from '../../api';
import type { Phase } from '../../wire';

const DAY_MS = 86_400_000;

/** How far back and ahead the list looks. */
export const SPAN_MS = { before: 21 * DAY_MS, after: 70 * DAY_MS };

const ORDER: Record<Phase, number> = { live: 0, scheduled: 1, ended: 2 };

/** What is live first, then what comes next, then what is over, the newest first. */
export function inOrder(shows: readonly ScheduledShow[], hosting: ReadonlySet<string>) {
  return shows
    .filter((show) => hosting.has(show.room))
    .sort((one, other) => {
      const byPhase = ORDER[one.phase] - ORDER[other.phase];
      const byTime = one.starts_ms - other.starts_ms;
      return byPhase || (one.phase === 'ended' ? -byTime : byTime);
    });
}

/** The next full quarter of an hour, as a `datetime-local` input writes it. */
export function soon(now: Date): string {
  const minutes = Math.ceil((now.getMinutes() + 1) / 15) * 15;
  const then = new Date(now.getFullYear(), now.getMonth(), now.getDate(), now.getHours(), minutes);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
  return `${day}T${two(then.getHours())}:${two(then.getMinutes())}`;
}
