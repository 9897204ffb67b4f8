/** Shows laid out in the days of a week, in the reader's time zone. */
import type { ScheduledShow } from '../../api';

/** Lanes that a show is wide: it goes on under the one beside it, so that its title can be read. */
const CASCADE = 1.6;

export const HOUR_MS = 3_600_000;

/** The midnight that begins the Monday of a week. */
export function weekOf(ms: number): number {
  const day = new Date(ms);
  day.setHours(0, 0, 0, 0);
  return shiftDays(day.getTime(), -((day.getDay() + 6) % 7));
}

/** Midnight so many days later; a day may have 23 or 25 hours. */
export function shiftDays(midnightMs: number, days: number): number {
  const day = new Date(midnightMs);
  day.setDate(day.getDate() + days);
  return day.getTime();
}

/** The midnights that begin a week's days. */
export function daysOf(weekMs: number): number[] {
  return Array.from({ length: 7 }, (_, index) => shiftDays(weekMs, index));
}

/** Shows that begin on a day, earliest first. */
export function showsOn(shows: readonly ScheduledShow[], dayMs: number): ScheduledShow[] {
  const endMs = shiftDays(dayMs, 1);
  return shows
    .filter((show) => show.starts_ms >= dayMs && show.starts_ms < endMs)
    .sort((one, other) => one.starts_ms - other.starts_ms);
}

/** The hours that a week's grid shows: all that shows need, and at least the least given. */
export function hoursOf(
  shows: readonly ScheduledShow[],
  days: readonly number[],
  least: { from: number; to: number } = { from: 12, to: 22 },
): { from: number; to: number } {
  let { from, to } = least;
  for (const day of days)
    for (const show of showsOn(shows, day)) {
      from = Math.min(from, Math.floor((show.starts_ms - day) / HOUR_MS));
      to = Math.max(to, Math.ceil((show.ends_ms - day) / HOUR_MS));
    }
  return { from, to: Math.min(to, 24) };
}

export interface Placed {
  show: ScheduledShow;
  /** Parts of the grid's height and width, 0 to 1. */
  top: number;
  height: number;
  left: number;
  width: number;
}

/** Where a day's shows stand in the grid; those at the same time share its width. */
export function place(
  shows: readonly ScheduledShow[],
  dayMs: number,
  hours: { from: number; to: number },
): Placed[] {
  const today = showsOn(shows, dayMs);
  const lanes = laneOf(today);
  const span = (hours.to - hours.from) * HOUR_MS;
  const zeroMs = dayMs + hours.from * HOUR_MS;
  return today.map((show, index) => {
    const top = (show.starts_ms - zeroMs) / span;
    const bottom = Math.min(1, (show.ends_ms - zeroMs) / span);
    const { lane, lanes: among } = lanes[index] ?? { lane: 0, lanes: 1 };
    return {
      show,
      top,
      height: bottom - top,
      left: lane / among,
      width: Math.min(1, (lane + CASCADE) / among) - lane / among,
    };
  });
}

/** A lane for each show so that none covers another; sorted by beginning. */
function laneOf(shows: readonly ScheduledShow[]): { lane: number; lanes: number }[] {
  const result: { lane: number; lanes: number }[] = [];
  let group: number[] = [];
  let ends: number[] = [];
  const close = (): void => {
    for (const index of group) {
      const found = result[index];
      if (found) found.lanes = ends.length;
    }
    group = [];
    ends = [];
  };
  shows.forEach((show, index) => {
    if (ends.every((end) => end <= show.starts_ms)) close();
    const free = ends.findIndex((end) => end <= show.starts_ms);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = show.ends_ms;
    group.push(index);
    result.push({ lane, lanes: 1 });
  });
  close();
  return result;
}
