/** What is not as it should be, told in words. */
import type { ConsoleStatus } from '../../api';
import type { TextKey } from '../../texts/index.svelte';
import type { Params } from '../../texts/message';

const OUTBOX_LATE_MS = 30_000;
const LEDGER_LATE_MS = 60_000;
const YOUNG_SECONDS = 60;

export interface Trouble {
  weight: 'danger' | 'warn';
  text: TextKey;
  params: Params;
}

/** Everything that an operator should know, the gravest first. */
export function troubles(status: ConsoleStatus, nowMs: number): Trouble[] {
  return [
    ...ofStore(status),
    ...ofLedger(status, nowMs),
    ...ofProcesses(status),
    ...ofRooms(status),
  ].sort((one, other) => Number(other.weight === 'danger') - Number(one.weight === 'danger'));
}

export function isBalanced(balance: { debit_minor: number; credit_minor: number }): boolean {
  return balance.debit_minor === balance.credit_minor;
}

function ofStore(status: ConsoleStatus): Trouble[] {
  return status.redis.durable
    ? []
    : [danger('console.trouble_durable', { reason: status.redis.reason ?? '?' })];
}

function ofLedger({ ledger, outbox }: ConsoleStatus, nowMs: number): Trouble[] {
  const found: Trouble[] = [];
  const skewed = ledger.trial_balance.find((balance) => !isBalanced(balance));
  if (skewed) found.push(danger('console.trouble_balance', { currency: skewed.currency }));
  if (!ledger.healthy)
    found.push(danger('console.trouble_ledger', { n: ledger.pending, detail: ledger.detail }));
  if (ledger.dead) found.push(danger('console.trouble_dead', { n: ledger.dead }));
  if (isLate(ledger.oldest_ms, nowMs, LEDGER_LATE_MS))
    found.push(warn('console.trouble_pending', { n: ledger.pending }));
  if (isLate(outbox.oldest_ms, nowMs, OUTBOX_LATE_MS))
    found.push(warn('console.trouble_outbox', { n: outbox.length }));
  return found;
}

function ofProcesses({ processes }: ConsoleStatus): Trouble[] {
  return processes.flatMap(({ name, state, restarts, uptime_s }) => {
    if (state !== 'running') return [danger('console.trouble_down', { name })];
    if (restarts && uptime_s < YOUNG_SECONDS)
      return [warn('console.trouble_restarted', { name, n: restarts })];
    return [];
  });
}

function ofRooms({ rooms }: ConsoleStatus): Trouble[] {
  const live = rooms.filter((room) => room.phase === 'live');
  const dark = live.filter((room) => room.streams.length === 0).length;
  const stalled = live.filter((room) => room.streams.some((stream) => stream.stalled)).length;
  return [
    ...(dark ? [warn('console.trouble_dark', { n: dark })] : []),
    ...(stalled ? [warn('console.trouble_stalled', { n: stalled })] : []),
  ];
}

function isLate(oldestMs: number | null, nowMs: number, limitMs: number): boolean {
  return oldestMs !== null && nowMs - oldestMs > limitMs;
}

function danger(text: TextKey, params: Params = {}): Trouble {
  return { weight: 'danger', text, params };
}

function warn(text: TextKey, params: Params = {}): Trouble {
  return { weight: 'warn', text, params };
}
