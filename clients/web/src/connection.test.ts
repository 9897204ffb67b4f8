import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  Connection,
  ConnectionLost,
  mayReconnect,
  Refused,
  type ConnectionOptions,
  type Status,
} from './connection';
import { farEnds, order, snapshot, type FarEnd } from './testing/room';
import type { ServerMessage } from './wire';

let ends: FarEnd[];
let statuses: Status[];
let received: ServerMessage[];
let offsets: number[];
let connection: Connection;
let position: { epoch: string; offset: number };

function connect(options: Partial<Pick<ConnectionOptions, 'token' | 'renew'>> = {}): void {
  const far = farEnds();
  ends = far.ends;
  connection = new Connection({
    url: 'ws://test/ws/r1',
    join: () => ({ ...position, device: 'd1' }),
    onmessages: (messages) => received.push(...messages),
    onstatus: (status) => statuses.push(status),
    onclock: (offset) => offsets.push(offset),
    open: far.open,
    random: () => 0.5,
    ...options,
  });
  connection.start();
}

function end(): FarEnd {
  const last = ends.at(-1);
  if (!last) throw new Error('no socket was opened');
  return last;
}

async function joinRoom(): Promise<void> {
  end().accept();
  await vi.advanceTimersByTimeAsync(0);
  end().say(snapshot({ server_ms: Date.now() }));
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  statuses = [];
  received = [];
  offsets = [];
  position = { epoch: '', offset: 0 };
  connect();
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
});

describe('joining', () => {
  test('says join first and is open once the room has answered', async () => {
    end().accept();
    await vi.advanceTimersByTimeAsync(0);
    expect(end().sent[0]).toEqual({ t: 'join', epoch: '', offset: 0, device: 'd1' });
    expect(statuses.at(-1)).toEqual({ phase: 'connecting' });
    end().say(snapshot());
    expect(statuses.at(-1)).toEqual({ phase: 'open' });
  });

  test('resumes from where it was', async () => {
    await joinRoom();
    position = { epoch: 'e1', offset: 7 };
    end().hangUp(1006);
    await vi.advanceTimersByTimeAsync(20_000);
    end().accept();
    await vi.advanceTimersByTimeAsync(0);
    expect(end().last('join')).toMatchObject({ epoch: 'e1', offset: 7 });
  });

  test('learns the server’s clock, best from the quickest pong', async () => {
    end().accept();
    await vi.advanceTimersByTimeAsync(0);
    end().say(snapshot({ server_ms: Date.now() + 5000 }));
    const { id } = end().last('ping');
    await vi.advanceTimersByTimeAsync(100);
    end().say({ t: 'pong', id: id ?? null, server_ms: Date.now() + 5000 - 50 });
    expect(offsets).toEqual([5000, 5000]);
  });
});

describe('losing the socket', () => {
  test('reconnects after codes that allow it, and not after the others', () => {
    for (const code of [1000, 1001, 1006, 4000, 4499])
      expect(mayReconnect(code), `${code}`).toBe(true);
    for (const code of [4500, 4502, 4999]) expect(mayReconnect(code), `${code}`).toBe(false);
  });

  test('waits with jitter that grows while attempts fail', async () => {
    await joinRoom();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      end().hangUp(1006);
      const status = statuses.at(-1);
      if (status?.phase !== 'waiting') throw new Error('not waiting');
      waits.push(status.retryAtMs - Date.now());
      await vi.advanceTimersByTimeAsync(status.retryAtMs - Date.now());
    }
    expect(waits).toEqual([750, 1250, 2250]);
    expect(ends).toHaveLength(4);
  });

  test('a connection that is lost at once each time is tried ever more rarely', async () => {
    const waits: number[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await joinRoom();
      end().hangUp(4001);
      const status = statuses.at(-1);
      if (status?.phase !== 'waiting') throw new Error('not waiting');
      waits.push(status.retryAtMs - Date.now());
      await vi.advanceTimersByTimeAsync(status.retryAtMs - Date.now());
    }
    expect(waits).toEqual([750, 1250, 2250]);
  });

  test('a connection that held for a while is missed at once', async () => {
    end().hangUp(1006);
    await vi.advanceTimersByTimeAsync(750);
    await joinRoom();
    await vi.advanceTimersByTimeAsync(5000);
    end().hangUp(1006);
    expect(statuses.at(-1)).toEqual({ phase: 'waiting', retryAtMs: Date.now() + 750 });
  });

  test('stays away when the server says so', async () => {
    await joinRoom();
    end().hangUp(4502);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ends).toHaveLength(1);
    expect(statuses.at(-1)).toEqual({ phase: 'closed', code: 4502 });
  });

  test('comes back when the leaving server said to', async () => {
    await joinRoom();
    end().say({ t: 'reconnect', after_ms: 3000 });
    end().hangUp(4000);
    await vi.advanceTimersByTimeAsync(2999);
    expect(ends).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toHaveLength(2);
  });

  test('silence after a ping counts as loss', async () => {
    await joinRoom();
    end().say({ t: 'pong', id: 1, server_ms: Date.now() });
    await vi.advanceTimersByTimeAsync(40_000);
    expect(ends[0]?.sent.filter((message) => message.t === 'ping')).toHaveLength(2);
    expect(ends.length).toBeGreaterThan(1);
    expect(ends[0]?.closedByClient).toBe(true);
  });

  test('a socket that never answers the join is given up', async () => {
    end().accept();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(ends.length).toBeGreaterThan(1);
  });

  test('does not wait out the back-off once the network is back', async () => {
    await joinRoom();
    end().hangUp(1006);
    connection.wake();
    expect(ends).toHaveLength(2);
  });

  test('what a replaced socket still says is not heard', async () => {
    await joinRoom();
    const old = end();
    connection.rejoin();
    received = [];
    old.say({ t: 'viewers', n: 9 });
    expect(received).toEqual([]);
  });
});

describe('asking', () => {
  test('the answer with the same id resolves, after the view has seen it', async () => {
    await joinRoom();
    const answer = connection.ask({ t: 'claim', drop: 'd1' });
    const { id } = end().last('claim');
    end().say({ t: 'ok', id: id ?? 0, order: order(1) });
    expect(received.at(-1)).toMatchObject({ t: 'ok' });
    await expect(answer).resolves.toMatchObject({ t: 'ok', order: { order: 'o1' } });
  });

  test('a refusal carries code, parameters and whether to try again', async () => {
    await joinRoom();
    const answer = connection.ask({ t: 'comment', text: 'hi' });
    const id = end().last('comment').id ?? 0;
    const refused = expect(answer).rejects.toEqual(
      new Refused('comment_cooldown', { wait_ms: 900 }, true),
    );
    end().say({
      t: 'error',
      id,
      code: 'comment_cooldown',
      params: { wait_ms: 900 },
      temporary: true,
    });
    await refused;
  });

  test('a lost socket leaves the outcome unknown', async () => {
    await joinRoom();
    const lost = expect(connection.ask({ t: 'claim', drop: 'd1' })).rejects.toBeInstanceOf(
      ConnectionLost,
    );
    end().hangUp(1006);
    await lost;
  });

  test('nothing is asked before the room has answered the join', async () => {
    await expect(connection.ask({ t: 'claim', drop: 'd1' })).rejects.toBeInstanceOf(ConnectionLost);
  });
});

describe('tokens', () => {
  let minted: number;
  const mint = (): Promise<string> => Promise.resolve(`t${++minted}`);

  beforeEach(() => {
    connection.close();
    minted = 0;
  });

  /** The server says that the token ends, and time passes while the connection lives. */
  async function expire(inMs: number, passMs: number): Promise<void> {
    end().say({ t: 'expiring', in_ms: inMs });
    await pass(passMs);
  }

  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1000) {
      await vi.advanceTimersByTimeAsync(1000);
      end().say({ t: 'viewers', n: passed });
    }
  }

  function refreshes(): string[] {
    return end().sent.flatMap((message) => (message.t === 'refresh' ? [message.token] : []));
  }

  test('an application’s token joins, and a fresh one is sent when it ends', async () => {
    connect({ token: mint });
    await joinRoom();
    expect(end().last('join').token).toBe('t1');
    await expire(300_000, 29_000);
    expect(refreshes()).toEqual([]);
    await pass(2000);
    expect(refreshes()).toEqual(['t2']);
    expect(ends).toHaveLength(1);
  });

  test('where a cookie joined, its renewal is sent', async () => {
    connect({ renew: mint });
    await joinRoom();
    expect(end().last('join').token).toBeUndefined();
    await expire(10_000, 4000);
    expect(refreshes()).toEqual(['t1']);
  });

  test('a renewal that did not arrive is tried again until it is answered', async () => {
    let failures = 2;
    connect({ renew: () => (failures-- > 0 ? Promise.reject(new Error('offline')) : mint()) });
    await joinRoom();
    await expire(300_000, 46_000);
    expect(refreshes()).toEqual(['t1']);
    end().say({ t: 'ok', id: end().last('refresh').id ?? 0 });
    await pass(60_000);
    expect(refreshes()).toEqual(['t1']);
  });

  test('a renewal that was refused is not tried again', async () => {
    connect({ renew: mint });
    await joinRoom();
    await expire(10_000, 4000);
    end().say({ t: 'error', id: end().last('refresh').id ?? 0, code: 'other_person' });
    await pass(60_000);
    expect(refreshes()).toEqual(['t1']);
  });

  test('a token that ended brings a new one at the next join', async () => {
    connect({ token: mint });
    await joinRoom();
    end().hangUp(4004);
    await vi.advanceTimersByTimeAsync(20_000);
    end().accept();
    await vi.advanceTimersByTimeAsync(0);
    expect(end().last('join').token).toBe('t2');
  });

  test('without a token there is nothing to renew', async () => {
    connect();
    await joinRoom();
    await expire(10_000, 20_000);
    expect(refreshes()).toEqual([]);
  });
});
