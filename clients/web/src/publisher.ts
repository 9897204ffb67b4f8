/**
 * A camera and a microphone to the room by WHIP.
 *
 * `open` asks for the devices and gives the preview; `start` publishes and keeps publishing until
 * `stop`. Devices can be changed and the microphone switched off while live: tracks are replaced,
 * the session goes on.
 */
import type { MediaAccess } from './api';
import { Backoff } from './backoff';
import { endSession, exchange, ExchangeRefused } from './exchange';
import { candidatePair, entries } from './player';

const STATISTICS_MS = 1000;
const DISCONNECTED_MS = 4000;
const CONNECT_MS = 10_000;

const LARGEST = { rid: 'f', maxBitrate: 2_500_000 };

/** Simulcast, smallest first: each viewer is sent the layer that the line carries. */
export const LAYERS: readonly RTCRtpEncodingParameters[] = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 600_000 },
  LARGEST,
];

export type PublisherState =
  | 'idle'
  | 'connecting'
  | 'live'
  /** Lost; another attempt follows. */
  | 'waiting'
  /** The server does not let this person publish here. */
  | 'refused';

export interface PublisherStatistics {
  bitsPerSecond: number;
  framesPerSecond: number;
  width: number;
  height: number;
  rttMs: number | null;
  /** Part of the packets that the server missed, 0 to 1. */
  lost: number;
  /** What keeps the picture below its best: none, cpu, bandwidth or other. */
  limitedBy: string;
  codec: string;
}

export interface Devices {
  cameras: MediaDeviceInfo[];
  microphones: MediaDeviceInfo[];
}

export interface PublisherOptions {
  access: () => Promise<MediaAccess>;
  onstate: (state: PublisherState) => void;
  onstatistics?: (statistics: PublisherStatistics) => void;
  devices?: MediaDevices;
  peer?: (configuration: RTCConfiguration) => RTCPeerConnection;
  post?: typeof fetch;
  random?: () => number;
}

type Kind = 'audio' | 'video';

export class Publisher {
  private state: PublisherState = 'idle';
  private stream: MediaStream | null = null;
  private peer: RTCPeerConnection | null = null;
  private session: { url: string; token: string } | null = null;
  private attempt = 0;
  private readonly backoff: Backoff;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private patienceTimer: ReturnType<typeof setTimeout> | undefined;
  private statisticsTimer: ReturnType<typeof setInterval> | undefined;
  private bytes = { value: 0, atMs: 0 };

  constructor(private readonly options: PublisherOptions) {
    this.backoff = new Backoff(500, 8000, options.random);
  }

  /** Asks for camera and microphone; the stream is the preview. */
  async open(camera?: string, microphone?: string): Promise<MediaStream> {
    this.stream = await this.media.getUserMedia({
      video: videoWish(camera),
      audio: audioWish(microphone),
    });
    return this.stream;
  }

  /** What can be chosen; names are known only after `open` was allowed. */
  async devices(): Promise<Devices> {
    const all = await this.media.enumerateDevices();
    return {
      cameras: all.filter((device) => device.kind === 'videoinput'),
      microphones: all.filter((device) => device.kind === 'audioinput'),
    };
  }

  useCamera(id: string): Promise<void> {
    return this.replace('video', { video: videoWish(id) });
  }

  useMicrophone(id: string): Promise<void> {
    return this.replace('audio', { audio: audioWish(id) });
  }

  /** Sends silence, or the microphone again. */
  switchMicrophone(on: boolean): void {
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = on;
  }

  /** Publishes what `open` gave. */
  start(): void {
    if (this.state !== 'idle' && this.state !== 'refused') return;
    this.backoff.reset();
    void this.connect();
  }

  /** Ends the session; the preview stays. */
  stop(): void {
    clearTimeout(this.retryTimer);
    this.drop();
    this.become('idle');
  }

  /** Ends the session and lets go of camera and microphone. */
  close(): void {
    this.stop();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  private get media(): MediaDevices {
    return this.options.devices ?? navigator.mediaDevices;
  }

  private async replace(kind: Kind, wish: MediaStreamConstraints): Promise<void> {
    const fresh = (await this.media.getUserMedia(wish)).getTracks()[0];
    const old = this.stream?.getTracks().find((track) => track.kind === kind);
    if (!fresh || !this.stream) return;
    if (old) {
      fresh.enabled = old.enabled;
      this.stream.removeTrack(old);
      old.stop();
    }
    this.stream.addTrack(fresh);
    const sender = this.peer
      ?.getTransceivers()
      .find((transceiver) => transceiver.receiver.track.kind === kind)?.sender;
    await sender?.replaceTrack(fresh);
  }

  private async connect(): Promise<void> {
    this.drop();
    const attempt = ++this.attempt;
    if (this.state !== 'waiting') this.become('connecting');
    try {
      await this.negotiate(attempt);
    } catch (error) {
      if (attempt === this.attempt) this.failed(error);
    }
  }

  private async negotiate(attempt: number): Promise<void> {
    const access = await this.options.access();
    if (attempt !== this.attempt) return;
    if (!access.whip_url || !access.whip_token) throw new ExchangeRefused(403, null);
    const make = this.options.peer ?? ((configuration) => new RTCPeerConnection(configuration));
    const peer = make({ iceServers: access.ice_servers, bundlePolicy: 'max-bundle' });
    this.peer = peer;
    peer.onconnectionstatechange = () => this.connectionChanged(peer);
    this.patienceTimer = setTimeout(() => this.retry(null), CONNECT_MS);
    this.addTracks(peer);
    await peer.setLocalDescription(await peer.createOffer());
    const offer = peer.localDescription?.sdp ?? '';
    const { answer, session } = await exchange(
      access.whip_url,
      access.whip_token,
      offer,
      this.options.post,
    );
    if (attempt !== this.attempt) {
      if (session) void endSession(session, access.whip_token, this.options.post);
      return;
    }
    this.session = session ? { url: session, token: access.whip_token } : null;
    await peer.setRemoteDescription({ type: 'answer', sdp: answer });
    await this.restoreSingleLayer(peer);
  }

  /** Where the server takes one layer only, browsers keep the first, which is the smallest. */
  private async restoreSingleLayer(peer: RTCPeerConnection): Promise<void> {
    const sender = peer
      .getTransceivers()
      .find((transceiver) => transceiver.receiver.track.kind === 'video')?.sender;
    const parameters = sender?.getParameters();
    const only = parameters?.encodings[0];
    if (!sender || !parameters || !only || parameters.encodings.length > 1) return;
    only.scaleResolutionDownBy = 1;
    only.maxBitrate = LARGEST.maxBitrate;
    await sender.setParameters(parameters);
  }

  private addTracks(peer: RTCPeerConnection): void {
    const stream = this.stream;
    if (!stream) throw new Error('open the devices first');
    for (const track of stream.getTracks()) {
      const transceiver = peer.addTransceiver(track, {
        direction: 'sendonly',
        streams: [stream],
        ...(track.kind === 'video' ? { sendEncodings: LAYERS.map((layer) => ({ ...layer })) } : {}),
      });
      if (track.kind === 'video') preferH264(transceiver);
    }
  }

  private connectionChanged(peer: RTCPeerConnection): void {
    if (peer !== this.peer) return;
    clearTimeout(this.patienceTimer);
    if (peer.connectionState === 'connected') {
      this.backoff.reset();
      this.become('live');
      this.measureEverySecond(peer);
    } else if (peer.connectionState === 'failed') {
      this.retry(null);
    } else {
      const waitMs = peer.connectionState === 'disconnected' ? DISCONNECTED_MS : CONNECT_MS;
      this.patienceTimer = setTimeout(() => this.retry(null), waitMs);
    }
  }

  private failed(error: unknown): void {
    if (error instanceof ExchangeRefused && error.forbidden) {
      this.drop();
      this.become('refused');
    } else {
      this.retry(error instanceof ExchangeRefused ? error.retryAfterMs : null);
    }
  }

  private retry(afterMs: number | null): void {
    this.drop();
    this.become('waiting');
    clearTimeout(this.retryTimer);
    const waitMs = Math.max(afterMs ?? 0, this.backoff.next());
    this.retryTimer = setTimeout(() => void this.connect(), waitMs);
  }

  private measureEverySecond(peer: RTCPeerConnection): void {
    clearInterval(this.statisticsTimer);
    this.bytes = { value: 0, atMs: 0 };
    this.statisticsTimer = setInterval(() => {
      void peer.getStats().then((report) => {
        if (peer === this.peer) this.options.onstatistics?.(this.measure(report, Date.now()));
      });
    }, STATISTICS_MS);
  }

  private measure(report: RTCStatsReport, now: number): PublisherStatistics {
    const all = entries(report);
    const outbound = all.filter((e): e is RTCOutboundRtpStreamStats => e.type === 'outbound-rtp');
    const video = largest(outbound.filter((entry) => entry.kind === 'video'));
    const remote = all.find((entry) => entry.type === 'remote-inbound-rtp') as
      { fractionLost?: number; roundTripTime?: number } | undefined;
    const codec = all.find((entry) => entry.id === video?.codecId) as
      { mimeType?: string } | undefined;
    const bytes = outbound.reduce((sum, entry) => sum + (entry.bytesSent ?? 0), 0);
    const seconds = (now - this.bytes.atMs) / 1000;
    const first = this.bytes.atMs === 0;
    const bitsPerSecond = first ? 0 : Math.round(((bytes - this.bytes.value) * 8) / seconds);
    this.bytes = { value: bytes, atMs: now };
    const rtt = remote?.roundTripTime ?? candidatePair(report)?.currentRoundTripTime;
    return {
      bitsPerSecond,
      framesPerSecond: video?.framesPerSecond ?? 0,
      width: video?.frameWidth ?? 0,
      height: video?.frameHeight ?? 0,
      rttMs: rtt === undefined ? null : Math.round(rtt * 1000),
      lost: remote?.fractionLost ?? 0,
      limitedBy: video?.qualityLimitationReason ?? 'none',
      codec: codec?.mimeType?.split('/')[1] ?? '',
    };
  }

  private drop(): void {
    this.attempt += 1;
    clearTimeout(this.patienceTimer);
    clearInterval(this.statisticsTimer);
    const { peer, session } = this;
    [this.peer, this.session] = [null, null];
    // Hanging up first would end the session before its end is asked for, which is then refused.
    const ended = session && endSession(session.url, session.token, this.options.post);
    void Promise.resolve(ended).then(() => peer?.close());
  }

  private become(state: PublisherState): void {
    if (state === this.state) return;
    this.state = state;
    this.options.onstate(state);
  }
}

/** The layer that is on with the most lines; which ones are sent depends on bandwidth and CPU. */
function largest(
  layers: readonly RTCOutboundRtpStreamStats[],
): RTCOutboundRtpStreamStats | undefined {
  return layers.reduce<RTCOutboundRtpStreamStats | undefined>(
    (best, layer) => ((layer.frameHeight ?? 0) > (best?.frameHeight ?? -1) ? layer : best),
    undefined,
  );
}

/** H264 first: every phone decodes it, and the server forwards without transcoding. */
export function preferH264(transceiver: RTCRtpTransceiver): void {
  if (typeof RTCRtpSender === 'undefined' || !('setCodecPreferences' in transceiver)) return;
  const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
  const h264 = codecs.filter((codec) => codec.mimeType.toLowerCase() === 'video/h264');
  const others = codecs.filter((codec) => !h264.includes(codec));
  if (h264.length) transceiver.setCodecPreferences([...h264, ...others]);
}

function videoWish(id?: string): MediaTrackConstraints {
  return {
    ...(id ? { deviceId: { exact: id } } : { facingMode: 'user' }),
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30, max: 30 },
  };
}

function audioWish(id?: string): MediaTrackConstraints {
  return {
    ...(id ? { deviceId: { exact: id } } : {}),
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
  };
}
