/** The schedule as this page holds it: the week that is looked at, and what is near in time. */
import { api, type Brand, type Schedule, type ScheduledShow, type Segment } from '../../api';
import { session } from '../../session.svelte';
import { errorText } from '../../texts/errors';
import { shiftDays, weekOf } from './week';

const NEAR_DAYS = { before: 7, after: 63 };

export class Agenda {
  week = $state(weekOf(Date.now()));
  failure = $state('');
  private near = $state.raw<Schedule | null>(null);
  private far = $state.raw<{ week: number; shows: ScheduledShow[] } | null>(null);

  readonly shows = $derived.by(() => {
    const known = new Map<string, ScheduledShow>();
    for (const show of [...(this.near?.shows ?? []), ...(this.far?.shows ?? [])])
      known.set(show.room, show);
    return [...known.values()].sort((one, other) => one.starts_ms - other.starts_ms);
  });
  readonly inWeek = $derived(
    this.shows.filter(
      (show) => show.starts_ms >= this.week && show.starts_ms < shiftDays(this.week, 7),
    ),
  );
  readonly brands: Brand[] = $derived(this.near?.my_brands ?? []);
  readonly hosting = $derived(new Set(this.near?.my_hosting ?? []));
  /** Requests that this person can answer, the earliest first. */
  readonly toAnswer = $derived(this.segments((segment) => segment.may.accept));
  /** What this person's brands have asked for and is still to come. */
  readonly ownSlots = $derived.by(() => {
    const mine = new Set(this.brands.map((brand) => brand.shop));
    const over = new Set<Segment['state']>(['done', 'canceled']);
    return this.segments((segment) => mine.has(segment.brand) && !over.has(segment.state));
  });

  get loaded(): boolean {
    return this.near !== null;
  }

  show(room: string): ScheduledShow | null {
    return this.shows.find((show) => show.room === room) ?? null;
  }

  go(weekMs: number): void {
    this.week = weekOf(weekMs);
    void this.load();
  }

  readonly load = async (): Promise<void> => {
    const today = weekOf(Date.now());
    const span = [shiftDays(today, -NEAR_DAYS.before), shiftDays(today, NEAR_DAYS.after)] as const;
    const { week } = this;
    const isNear = week >= span[0] && week < span[1];
    try {
      const [near, far] = await Promise.all([
        api.schedule(...span),
        isNear ? null : api.schedule(week, shiftDays(week, 7)),
      ]);
      this.near = near;
      this.far = far && { week, shows: far.shows };
      this.failure = '';
    } catch (error) {
      this.failure = errorText(error);
    }
  };

  private segments(wanted: (segment: Segment) => boolean): Segment[] {
    if (!session.hasAccount) return [];
    return this.shows
      .flatMap((show) => show.segments)
      .filter(wanted)
      .sort((one, other) => one.starts_ms - other.starts_ms);
  }
}
