import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { access, last, MediaServer, peers, type Peer } from './testing/media';
import { Player, type PlayerState } from './player';

let server: MediaServer;
let made: Peer[];
let states: PlayerState[];
let player: Player;
let video: { muted: boolean; play: ReturnType<typeof vi.fn>; srcObject: unknown };

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.stubGlobal('MediaStream', vi.fn());
  server = new MediaServer();
  const connections = peers();
  made = connections.made;
  states = [];
  video = { muted: false, play: vi.fn(() => Promise.resolve()), srcObject: null };
  player = new Player({
    video: video as unknown as HTMLVideoElement,
    access: () => Promise.resolve(access),
    onstate: (state) => states.push(state),
    peer: connections.make,
    post: server.post,
    random: () => 0,
  });
});

afterEach(() => {
  player.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function decode(frames: number): Promise<void> {
  last(made).stats = [
    {
      type: 'inbound-rtp',
      kind: 'video',
      packetsReceived: 100,
      framesDecoded: frames,
      bytesReceived: frames * 1000,
    },
  ];
  await vi.advanceTimersByTimeAsync(1000);
}

async function play(): Promise<void> {
  player.start();
  await vi.advanceTimersByTimeAsync(0);
  await decode(30);
}

describe('starting', () => {
  test('offers at once, with the token, to receive picture and sound', async () => {
    player.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(server.offers()).toEqual([
      { method: 'POST', url: access.whep_url, authorization: 'Bearer watch', body: 'offer' },
    ]);
    expect(last(made).transceivers.map(({ kind, direction }) => [kind, direction])).toEqual([
      ['video', 'recvonly'],
      ['audio', 'recvonly'],
    ]);
    expect(last(made).remoteDescription).toEqual({ type: 'answer', sdp: 'answer' });
    expect(video.muted).toBe(true);
  });

  test('says playing only when a frame was decoded', async () => {
    player.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(states).toEqual(['connecting']);
    await decode(1);
    expect(states).toEqual(['connecting', 'playing']);
  });

  test('says so when the browser wants a tap first', async () => {
    video.play.mockRejectedValueOnce(Object.assign(new Error(), { name: 'NotAllowedError' }));
    player.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(last(states)).toBe('blocked');
    await player.unmute();
    expect(video.muted).toBe(false);
    await decode(5);
    expect(last(states)).toBe('playing');
  });
});

describe('coming back', () => {
  test('asks again when there is no live stream yet, not before the server allows', async () => {
    server.next = [new Response('', { status: 409, headers: { 'retry-after': '2' } })];
    player.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(last(states)).toBe('waiting');
    await vi.advanceTimersByTimeAsync(1999);
    expect(server.offers()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(server.offers()).toHaveLength(2);
  });

  test('a failed connection is ended and made anew', async () => {
    await play();
    last(made).move('failed');
    expect(made[0]?.closed).toBe(true);
    expect(server.ended()).toEqual(['http://media/session/s1']);
    await vi.advanceTimersByTimeAsync(500);
    expect(made).toHaveLength(2);
  });

  test('frames that stop coming are called stalled, then the player starts over', async () => {
    await play();
    await vi.advanceTimersByTimeAsync(4000);
    expect(last(states)).toBe('stalled');
    await vi.advanceTimersByTimeAsync(8000);
    expect(made.length).toBeGreaterThan(1);
  });

  test('frames that come again end the stall', async () => {
    await play();
    await vi.advanceTimersByTimeAsync(4000);
    await decode(60);
    expect(last(states)).toBe('playing');
    expect(made).toHaveLength(1);
  });

  test('stopping ends the session and tries no more', async () => {
    await play();
    player.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(made).toHaveLength(1);
    expect(server.ended()).toHaveLength(1);
    expect(last(states)).toBe('idle');
  });
});

test('measures what arrives', async () => {
  await play();
  expect(player.statistics()).toMatchObject({ framesDecoded: 30, bitsPerSecond: 240_000 });
});
