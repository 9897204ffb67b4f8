import { expect, test } from 'vitest';
import type { ConsoleStatus } from '../../api';
import { troubles } from './troubles';

const NOW = 1_000_000;

function status(change: Partial<ConsoleStatus> = {}): ConsoleStatus {
  return {
    rooms: [],
    processes: [
      { name: 'worker', pid: 7, state: 'running', restarts: 0, uptime_s: 900, rss_bytes: 1 },
    ],
    outbox: { length: 0, oldest_ms: null },
    ledger: {
      backend: 'sqlite',
      healthy: true,
      detail: '',
      applied: 3,
      pending: 0,
      dead: 0,
      oldest_ms: null,
      trial_balance: [{ currency: 'CNY', debit_minor: 8500, credit_minor: 8500 }],
    },
    reconciliation: null,
    reconciling: null,
    redis: { version: '9.1', durable: true, reason: null, used_bytes: 1 },
    ...change,
  };
}

function texts(change: Partial<ConsoleStatus>): string[] {
  return troubles(status(change), NOW).map((trouble) => trouble.text);
}

test('nothing is said where all is well', () => {
  expect(texts({})).toEqual([]);
});

test('a ledger that refuses, is away or does not balance is grave', () => {
  const ledger = {
    ...status().ledger,
    healthy: false,
    dead: 2,
    trial_balance: [{ currency: 'CNY', debit_minor: 8500, credit_minor: 8499 }],
  };
  const found = troubles(status({ ledger }), NOW);
  expect(found.map((trouble) => trouble.text)).toEqual([
    'console.trouble_balance',
    'console.trouble_ledger',
    'console.trouble_dead',
  ]);
  expect(found.every((trouble) => trouble.weight === 'danger')).toBe(true);
});

test('waiting is normal for a while, and told when it lasts', () => {
  expect(texts({ outbox: { length: 4, oldest_ms: NOW - 1000 } })).toEqual([]);
  expect(texts({ outbox: { length: 4, oldest_ms: NOW - 31_000 } })).toEqual([
    'console.trouble_outbox',
  ]);
});

test('a process that is down comes before one that was restarted', () => {
  const process = status().processes[0];
  if (!process) throw new Error('a process');
  const processes = [
    { ...process, restarts: 2, uptime_s: 5 },
    { ...process, name: 'media', state: 'restarting' },
  ];
  expect(texts({ processes })).toEqual(['console.trouble_down', 'console.trouble_restarted']);
});

test('a live room without a picture, and a store that may forget, are told', () => {
  const room = {
    room: 'r1',
    title: { en: 'A show' },
    phase: 'live' as const,
    viewers: 3,
    orders: 0,
    sold_minor: 0,
    currency: 'CNY',
    streams: [],
  };
  const redis = { version: '9.1', durable: false, reason: 'appendonly no', used_bytes: 1 };
  expect(texts({ rooms: [room], redis })).toEqual([
    'console.trouble_durable',
    'console.trouble_dark',
  ]);
});
