/** A media server and peer connections for tests of player and publisher. */
import { vi } from 'vitest';
import type { MediaAccess } from '../api';

export const access: MediaAccess = {
  whep_url: 'http://media/whep/r1/host',
  whip_url: 'http://media/whip/r1/host',
  whep_token: 'watch',
  whip_token: 'publish',
  check_url: 'http://media/check/r1/host',
  ice_servers: [],
};

export interface Call {
  method: string;
  url: string;
  authorization: string | undefined;
  body: unknown;
}

/** Answers offers with 201, or as `next` says. */
export class MediaServer {
  readonly calls: Call[] = [];
  next: Response[] = [];

  readonly post: typeof fetch = async (url, init) => {
    const headers = init?.headers as Record<string, string>;
    this.calls.push({
      method: init?.method ?? 'GET',
      url: String(url),
      authorization: headers['authorization'],
      body: init?.body,
    });
    if (init?.method === 'DELETE') return new Response(null, { status: 200 });
    return (
      this.next.shift() ??
      new Response('answer', { status: 201, headers: { location: '/session/s1' } })
    );
  };

  offers(): Call[] {
    return this.calls.filter((call) => call.method === 'POST');
  }

  ended(): string[] {
    return this.calls.filter((call) => call.method === 'DELETE').map((call) => call.url);
  }
}

/** A peer connection that the test moves from state to state. */
export class Peer {
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: { sdp: string } | null = null;
  remoteDescription: RTCSessionDescriptionInit | null = null;
  onconnectionstatechange: (() => void) | null = null;
  ontrack: ((event: RTCTrackEvent) => void) | null = null;
  closed = false;
  /** A server that takes one layer leaves a browser with its first encoding. */
  takesSimulcast = true;
  stats: Record<string, unknown>[] = [];
  readonly transceivers: {
    kind: string;
    direction: string | undefined;
    encodings: RTCRtpEncodingParameters[];
    sender: {
      replaceTrack: ReturnType<typeof vi.fn>;
      getParameters: () => { encodings: RTCRtpEncodingParameters[] };
      setParameters: (parameters: { encodings: RTCRtpEncodingParameters[] }) => Promise<void>;
    };
    receiver: { track: { kind: string } };
  }[] = [];

  addTransceiver(track: string | MediaStreamTrack, init?: RTCRtpTransceiverInit): object {
    const kind = typeof track === 'string' ? track : track.kind;
    const transceiver = {
      kind,
      direction: init?.direction,
      encodings: init?.sendEncodings ?? [{}],
      sender: {
        replaceTrack: vi.fn(),
        getParameters: () => ({ encodings: transceiver.encodings }),
        setParameters: (parameters: { encodings: RTCRtpEncodingParameters[] }) => {
          transceiver.encodings = parameters.encodings;
          return Promise.resolve();
        },
      },
      receiver: { track: { kind } },
    };
    this.transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers(): object[] {
    return this.transceivers;
  }

  createOffer(): Promise<{ type: 'offer'; sdp: string }> {
    return Promise.resolve({ type: 'offer', sdp: 'offer' });
  }

  setLocalDescription(description: { sdp: string }): Promise<void> {
    this.localDescription = description;
    return Promise.resolve();
  }

  setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    this.remoteDescription = description;
    if (!this.takesSimulcast) for (const one of this.transceivers) one.encodings.splice(1);
    return Promise.resolve();
  }

  getStats(): Promise<RTCStatsReport> {
    const report = new Map(this.stats.map((entry, index) => [`${index}`, entry]));
    return Promise.resolve(report as unknown as RTCStatsReport);
  }

  close(): void {
    this.closed = true;
  }

  move(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

/** Collects the peer connections that are made. */
export function peers(): { made: Peer[]; make: () => RTCPeerConnection } {
  const made: Peer[] = [];
  return {
    made,
    make: () => {
      const peer = new Peer();
      made.push(peer);
      return peer as unknown as RTCPeerConnection;
    },
  };
}

/** The last of a list that the test knows not to be empty. */
export function last<Item>(items: readonly Item[]): Item {
  const item = items.at(-1);
  if (item === undefined) throw new Error('nothing there');
  return item;
}
