/** The deployment as the console sees it: its latest state, and how its figures went. */
import { api, ApiError, type ConsoleStatus, type DeadLetter, type LedgerEntry } from '../../api';
import { serverNow } from '../../clock.svelte';
import { Samples } from '../../samples.svelte';
import { errorText } from '../../texts/errors';

export type Tally = 'viewers' | 'orders' | 'outbox' | 'pending';
/** What is noted over time; `ageMs` is how long the oldest letter waits. */
export type Figure = Tally | 'ageMs' | 'applied' | 'dead';

export class Watch {
  status = $state.raw<ConsoleStatus | null>(null);
  entries = $state.raw<LedgerEntry[] | null>(null);
  letters = $state.raw<DeadLetter[]>([]);
  /** When the latest state came. */
  atMs = $state(0);
  failure = $state('');
  entriesFailure = $state('');
  forbidden = $state(false);
  readonly samples = new Samples<Figure>();

  readonly look = async (): Promise<void> => {
    await Promise.all([this.lookAtStatus(), this.lookAtEntries()]);
  };

  private async lookAtStatus(): Promise<void> {
    try {
      const status = await api.console();
      this.status = status;
      this.atMs = Date.now();
      this.failure = '';
      this.samples.add(this.atMs, { ...figures(status), ...queueFigures(status, serverNow()) });
      this.letters = status.ledger.dead ? await api.deadLetters() : [];
    } catch (error) {
      this.forbidden = error instanceof ApiError && (error.status === 401 || error.status === 403);
      this.failure = errorText(error);
    }
  }

  private async lookAtEntries(): Promise<void> {
    try {
      this.entries = await api.ledgerEntries();
      this.entriesFailure = '';
    } catch (error) {
      this.entriesFailure = errorText(error);
    }
  }
}

export function figures(status: ConsoleStatus): Record<Tally, number> {
  return {
    viewers: status.rooms.reduce((sum, room) => sum + room.viewers, 0),
    orders: status.rooms.reduce((sum, room) => sum + room.orders, 0),
    outbox: status.outbox.length,
    pending: status.ledger.pending,
  };
}

export function queueFigures(
  { ledger }: Pick<ConsoleStatus, 'ledger'>,
  nowMs: number,
): Record<'ageMs' | 'applied' | 'dead', number> {
  return {
    ageMs: ledger.oldest_ms === null ? 0 : Math.max(0, nowMs - ledger.oldest_ms),
    applied: ledger.applied,
    dead: ledger.dead,
  };
}

/** How much came since the first value that is known. */
export function sinceFirst(values: readonly (number | null)[]): (number | null)[] {
  const first = values.find((value) => value !== null) ?? 0;
  return values.map((value) => (value === null ? null : Math.max(0, value - first)));
}
