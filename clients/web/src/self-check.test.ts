import { beforeEach, afterEach, describe, expect, test, vi } from 'vitest';
import { CHECKS, onlyOver, selfCheck, type CheckResult, type SelfCheckOptions } from './self-check';
import { access, MediaServer, peers, type Peer } from './testing/media';

class Socket {
  sent: string[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  constructor(readonly answers: boolean) {
    queueMicrotask(() => (answers ? this.onopen?.() : this.onclose?.()));
  }
  send(text: string): void {
    this.sent.push(text);
    const asked = JSON.parse(text) as { t: string };
    const t = asked.t === 'join' ? 'snapshot' : 'pong';
    queueMicrotask(() => this.onmessage?.({ data: JSON.stringify([{ t }]) }));
  }
  close(): void {
    this.closed = true;
  }
}

const ANSWER = [
  'v=0',
  'a=candidate:1 1 udp 1 192.0.2.1 8002 typ host',
  'a=candidate:2 1 tcp 1 192.0.2.1 8002 typ host tcptype passive',
  '',
].join('\r\n');

let server: MediaServer;
let made: Peer[];
let sockets: Socket[];
let results: CheckResult[];
let reachable: ('udp' | 'tcp')[];
let ending: AbortController;

beforeEach(() => {
  vi.useFakeTimers();
  server = new MediaServer();
  server.next = [1, 2].map(
    () => new Response(ANSWER, { status: 201, headers: { location: '/session/s1' } }),
  );
  [sockets, results, reachable, ending] = [[], [], ['udp', 'tcp'], new AbortController()];
});

afterEach(() => vi.useRealTimers());

async function run(changes: Partial<SelfCheckOptions> = {}): Promise<void> {
  const connections = peers();
  made = connections.made;
  const running = selfCheck({
    isSecure: true,
    devices: () => Promise.resolve(true),
    socketUrl: 'ws://shop/ws/r1',
    access: () => Promise.resolve(access),
    onresult: (result) => results.push(result),
    signal: ending.signal,
    open: () => {
      const socket = new Socket(true);
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    peer: () => {
      const peer = connections.make() as unknown as Peer;
      const accept = peer.setRemoteDescription.bind(peer);
      peer.setRemoteDescription = async (answer) => {
        await accept(answer);
        if (reachable.some((carrier) => answer.sdp?.includes(` ${carrier} `)))
          peer.move('connected');
      };
      return peer as unknown as RTCPeerConnection;
    },
    post: server.post,
    ...changes,
  });
  await vi.advanceTimersByTimeAsync(60_000);
  await running;
}

const outcomes = (): string[] => results.map((result) => `${result.name} ${result.outcome}`);

describe('self-check', () => {
  test('reports each check in order, and leaves nothing open', async () => {
    await run();
    expect(outcomes()).toEqual(CHECKS.map((name) => `${name} well`));
    expect(results.map((result) => result.ms !== null)).toEqual([false, false, true, true, true]);
    expect(made.every((peer) => peer.closed)).toBe(true);
    expect(sockets.every((socket) => socket.closed)).toBe(true);
    expect(server.ended()).toHaveLength(2);
  });

  test('asks for a trial connection, never to publish', async () => {
    await run();
    expect(server.offers().map((offer) => offer.url)).toEqual([
      'http://media/check/r1/host',
      'http://media/check/r1/host',
    ]);
    expect(server.offers()[0]?.authorization).toBe('Bearer watch');
  });

  test('a blocked UDP is wrong, a blocked TCP a warning', async () => {
    reachable = ['tcp'];
    await run();
    expect(outcomes().slice(3)).toEqual(['udp wrong', 'tcp well']);
    results = [];
    reachable = ['udp'];
    server.next = [1, 2].map(() => new Response(ANSWER, { status: 201 }));
    await run();
    expect(outcomes().slice(3)).toEqual(['udp well', 'tcp warning']);
  });

  test('an insecure page, refused devices and a closed socket are found', async () => {
    await run({
      isSecure: false,
      devices: () => Promise.resolve(false),
      open: () => new Socket(false) as unknown as WebSocket,
    });
    expect(outcomes().slice(0, 3)).toEqual(['page wrong', 'devices wrong', 'messages wrong']);
  });

  test('a media server that refuses or cannot be reached is found', async () => {
    server.next = [new Response(null, { status: 404 }), new Response(null, { status: 503 })];
    await run();
    expect(outcomes().slice(3)).toEqual(['udp wrong', 'tcp warning']);
    expect(made.every((peer) => peer.closed)).toBe(true);
  });

  test.each([
    [429, 'busy'],
    [503, 'busy'],
    [404, 'absent'],
    [401, 'refused'],
    [500, 'refused'],
  ])('a refusal with %d is never taken for a blocked network', async (status, untried) => {
    server.next = [1, 2].map(() => new Response(null, { status }));
    await run();
    expect(results.slice(3).map((result) => result.untried)).toEqual([untried, untried]);
  });

  test('a media server that does not answer at all is no blocked network either', async () => {
    await run({ post: () => Promise.reject(new TypeError('Failed to fetch')) });
    expect(results.slice(3).map((result) => result.untried)).toEqual(['away', 'away']);
  });

  test('another engine is asked nothing', async () => {
    await run({ access: () => Promise.resolve({ ...access, check_url: null }) });
    expect(outcomes().slice(3)).toEqual(['udp warning', 'tcp warning']);
    expect(results.slice(3).map((result) => result.untried)).toEqual(['engine', 'engine']);
    expect(server.calls).toEqual([]);
  });

  test('a way that was tried and led nowhere is the network’s', async () => {
    reachable = [];
    await run();
    expect(outcomes().slice(3)).toEqual(['udp wrong', 'tcp warning']);
    expect(results.every((result) => result.untried === null)).toBe(true);
  });

  test('reports nothing more once it was ended', async () => {
    await run({
      devices: () => {
        ending.abort();
        return Promise.resolve(true);
      },
    });
    expect(outcomes()).toEqual(['page well']);
    expect(server.calls).toEqual([]);
  });
});

test('an answer keeps the candidates of one carrier only', () => {
  expect(onlyOver('tcp', ANSWER)).not.toContain(' udp ');
  expect(onlyOver('udp', ANSWER)).not.toContain(' tcp ');
  expect(onlyOver('udp', ANSWER)).toContain('v=0\r\na=candidate:1');
});
