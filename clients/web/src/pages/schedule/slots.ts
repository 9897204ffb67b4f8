/** Times that a brand can ask for within a show. */
import type { ScheduledShow, Segment } from '../../api';

const STEP_MS = 5 * 60_000;

/** States in which a segment keeps others away. */
const BOOKED: readonly Segment['state'][] = ['confirmed', 'on_air'];

export interface Slot {
  startsMs: number;
  /** The segment that has this time already. */
  taken: Segment | null;
}

/** Every five minutes at which a segment of this length could begin, and who is there already. */
export function slots(show: ScheduledShow, lengthMs: number, nowMs: number): Slot[] {
  const booked = show.segments.filter((segment) => BOOKED.includes(segment.state));
  const found: Slot[] = [];
  for (let startsMs = show.starts_ms; startsMs + lengthMs <= show.ends_ms; startsMs += STEP_MS) {
    if (startsMs < nowMs) continue;
    const taken = booked.find(
      (segment) => segment.starts_ms < startsMs + lengthMs && startsMs < segment.ends_ms,
    );
    found.push({ startsMs, taken: taken ?? null });
  }
  return found;
}

/** Shows in which a slot can still be asked for, the next one first. */
export function openShows(shows: readonly ScheduledShow[], nowMs: number): ScheduledShow[] {
  return shows
    .filter((show) => show.phase !== 'ended' && show.ends_ms > nowMs)
    .sort((one, other) => one.starts_ms - other.starts_ms);
}
