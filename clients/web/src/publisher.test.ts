import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { access, last, MediaServer, peers, type Peer } from './testing/media';
import { preferH264, Publisher, type PublisherState, type PublisherStatistics } from './publisher';

class Track {
  enabled = true;
  stopped = false;
  constructor(readonly kind: 'audio' | 'video') {}
  stop(): void {
    this.stopped = true;
  }
}

class Stream {
  constructor(private tracks: Track[]) {}
  getTracks = (): Track[] => this.tracks;
  getAudioTracks = (): Track[] => this.tracks.filter((track) => track.kind === 'audio');
  addTrack = (track: Track): void => void this.tracks.push(track);
  removeTrack = (track: Track): void =>
    void (this.tracks = this.tracks.filter((other) => other !== track));
}

let server: MediaServer;
let made: Peer[];
let states: PublisherState[];
let statistics: PublisherStatistics[];
let publisher: Publisher;
let preview: Stream;
let mayPublish: boolean;

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_000_000 });
  server = new MediaServer();
  const connections = peers();
  made = connections.made;
  states = [];
  statistics = [];
  mayPublish = true;
  const devices = {
    getUserMedia: (wish: MediaStreamConstraints) =>
      Promise.resolve(
        new Stream([
          ...(wish.video ? [new Track('video')] : []),
          ...(wish.audio ? [new Track('audio')] : []),
        ]),
      ),
  };
  publisher = new Publisher({
    access: () => Promise.resolve(mayPublish ? access : { ...access, whip_url: null }),
    onstate: (state) => states.push(state),
    onstatistics: (measured) => statistics.push(measured),
    devices: devices as unknown as MediaDevices,
    peer: connections.make,
    post: server.post,
    random: () => 0,
  });
  preview = (await publisher.open()) as unknown as Stream;
});

afterEach(() => {
  publisher.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function goLive(): Promise<void> {
  publisher.start();
  await vi.advanceTimersByTimeAsync(0);
  last(made).move('connected');
}

describe('publishing', () => {
  test('sends camera and microphone at once, and is live when connected', async () => {
    await goLive();
    expect(server.offers()[0]).toMatchObject({
      url: access.whip_url,
      authorization: 'Bearer publish',
    });
    expect(last(made).transceivers.map(({ kind, direction }) => [kind, direction])).toEqual([
      ['video', 'sendonly'],
      ['audio', 'sendonly'],
    ]);
    expect(states).toEqual(['connecting', 'live']);
  });

  test('says refused, and asks no more, where this person may not publish', async () => {
    mayPublish = false;
    publisher.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states).toEqual(['connecting', 'refused']);
    expect(made).toHaveLength(0);
  });

  test('tries again when the seat is taken', async () => {
    server.next = [new Response('', { status: 409 })];
    publisher.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(last(states)).toBe('waiting');
    await vi.advanceTimersByTimeAsync(600);
    expect(server.offers()).toHaveLength(2);
  });

  test('a failed connection is made anew', async () => {
    await goLive();
    last(made).move('failed');
    await vi.advanceTimersByTimeAsync(600);
    last(made).move('connected');
    expect(made).toHaveLength(2);
    expect(last(states)).toBe('live');
  });

  test('a short disconnection is waited out', async () => {
    await goLive();
    last(made).move('disconnected');
    await vi.advanceTimersByTimeAsync(3000);
    last(made).move('connected');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(made).toHaveLength(1);
  });

  test('stopping keeps the preview, closing lets go of the devices', async () => {
    await goLive();
    publisher.stop();
    expect(preview.getTracks().some((track) => track.stopped)).toBe(false);
    publisher.close();
    expect(preview.getTracks().every((track) => track.stopped)).toBe(true);
  });
});

describe('devices', () => {
  test('another camera replaces the track without a new session', async () => {
    await goLive();
    await publisher.useCamera('c2');
    expect(last(made).transceivers[0]?.sender.replaceTrack).toHaveBeenCalledOnce();
    expect(made).toHaveLength(1);
  });

  test('a microphone that is off stays off when it is exchanged', async () => {
    publisher.switchMicrophone(false);
    await publisher.useMicrophone('m2');
    expect(preview.getAudioTracks().map((track) => track.enabled)).toEqual([false]);
  });
});

describe('simulcast', () => {
  test('three layers are offered, the smallest first', async () => {
    await goLive();
    const [video, audio] = last(made).transceivers;
    expect(
      video?.encodings.map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy]),
    ).toEqual([
      ['q', 4],
      ['h', 2],
      ['f', undefined],
    ]);
    expect(audio?.encodings).toHaveLength(1);
  });

  test('where one layer is taken it is the full picture', async () => {
    publisher.start();
    await Promise.resolve();
    await Promise.resolve();
    last(made).takesSimulcast = false;
    await vi.advanceTimersByTimeAsync(0);
    const video = last(made).transceivers[0];
    expect(video?.encodings).toEqual([
      { rid: 'q', scaleResolutionDownBy: 1, maxBitrate: 2_500_000 },
    ]);
  });
});

test('tells of the largest layer that is sent', async () => {
  await goLive();
  const layer = (rid: string, frameWidth: number, frameHeight: number, reason: string) => ({
    type: 'outbound-rtp',
    kind: 'video',
    rid,
    bytesSent: 1000,
    frameWidth,
    frameHeight,
    qualityLimitationReason: reason,
  });
  last(made).stats = [
    layer('q', 320, 180, 'none'),
    layer('f', 1280, 720, 'cpu'),
    layer('h', 640, 360, 'none'),
  ];
  await vi.advanceTimersByTimeAsync(1000);
  expect(last(statistics)).toMatchObject({ width: 1280, height: 720, limitedBy: 'cpu' });
});

test('measures what is sent and what limits it', async () => {
  await goLive();
  const sent = (bytesSent: number): Record<string, unknown>[] => [
    {
      type: 'outbound-rtp',
      kind: 'video',
      bytesSent,
      frameWidth: 1280,
      frameHeight: 720,
      qualityLimitationReason: 'bandwidth',
    },
    { type: 'remote-inbound-rtp', fractionLost: 0.02, roundTripTime: 0.05 },
  ];
  last(made).stats = sent(100_000);
  await vi.advanceTimersByTimeAsync(1000);
  last(made).stats = sent(350_000);
  await vi.advanceTimersByTimeAsync(1000);
  expect(last(statistics)).toMatchObject({
    bitsPerSecond: 2_000_000,
    width: 1280,
    rttMs: 50,
    lost: 0.02,
    limitedBy: 'bandwidth',
  });
});

test('H264 is offered before the other codecs', () => {
  const codecs = [{ mimeType: 'video/VP8' }, { mimeType: 'video/H264' }, { mimeType: 'video/AV1' }];
  vi.stubGlobal('RTCRtpSender', { getCapabilities: () => ({ codecs }) });
  const setCodecPreferences = vi.fn();
  preferH264({ setCodecPreferences } as unknown as RTCRtpTransceiver);
  expect(setCodecPreferences).toHaveBeenCalledWith([codecs[1], codecs[0], codecs[2]]);
});
