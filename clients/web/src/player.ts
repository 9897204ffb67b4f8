/**
 * A live picture by WHEP: plays at once, says what it is doing, and comes back by itself.
 *
 * The offer is sent without waiting for ICE candidates. Sound starts off, because browsers allow
 * only that without a tap; `unmute` belongs in a tap's handler.
 */
import type { MediaAccess } from './api';
import { Backoff } from './backoff';
import { endSession, exchange, ExchangeRefused } from './exchange';

const WATCH_MS = 1000;
const STALLED_AFTER_MS = 3000;
const RESTART_AFTER_MS = 9000;
const CONNECT_MS = 10_000;

export type PlayerState =
  | 'idle'
  | 'connecting'
  | 'playing'
  /** Connected, but no new picture for some seconds. */
  | 'stalled'
  /** Lost or not there yet; another attempt follows. */
  | 'waiting'
  /** The browser wants a tap before it plays anything. */
  | 'blocked';

export interface PlayerStatistics {
  framesDecoded: number;
  framesPerSecond: number;
  width: number;
  height: number;
  bitsPerSecond: number;
  packetsLost: number;
  rttMs: number | null;
}

export interface PlayerOptions {
  video: HTMLVideoElement;
  /** Where the picture is and the token for it, asked anew at each attempt. */
  access: () => Promise<MediaAccess>;
  onstate: (state: PlayerState) => void;
  peer?: (configuration: RTCConfiguration) => RTCPeerConnection;
  post?: typeof fetch;
  random?: () => number;
}

export class Player {
  private state: PlayerState = 'idle';
  private peer: RTCPeerConnection | null = null;
  private session: { url: string; token: string } | null = null;
  private readonly backoff: Backoff;
  private attempt = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private watchTimer: ReturnType<typeof setInterval> | undefined;
  private progress = { value: 0, atMs: 0 };
  private bytes = { value: 0, atMs: 0 };
  private latest: PlayerStatistics | null = null;

  constructor(private readonly options: PlayerOptions) {
    this.backoff = new Backoff(500, 8000, options.random);
    options.video.muted = true;
    options.video.autoplay = true;
    options.video.playsInline = true;
  }

  /** Plays, and keeps playing until `stop`; a running player is left as it is. */
  start(): void {
    if (this.state === 'idle') void this.connect();
  }

  stop(): void {
    this.drop();
    clearTimeout(this.retryTimer);
    this.options.video.srcObject = null;
    this.become('idle');
  }

  /** Begins anew at once, e.g. because the stream was replaced. */
  restart(): void {
    if (this.state === 'idle') return;
    clearTimeout(this.retryTimer);
    this.backoff.reset();
    void this.connect();
  }

  /** Turns the sound on; call it from a tap. */
  async unmute(): Promise<void> {
    this.options.video.muted = false;
    await this.play();
  }

  mute(): void {
    this.options.video.muted = true;
  }

  /** Plays after the browser asked for a tap. */
  async play(): Promise<void> {
    try {
      await this.options.video.play();
      if (this.state === 'blocked') this.become('connecting');
    } catch (error) {
      if ((error as Error).name === 'NotAllowedError') this.become('blocked');
    }
  }

  statistics(): PlayerStatistics | null {
    return this.latest;
  }

  private async connect(): Promise<void> {
    this.drop();
    const attempt = ++this.attempt;
    if (this.state !== 'waiting') this.become('connecting');
    try {
      await this.negotiate(attempt);
    } catch (error) {
      if (attempt !== this.attempt) return;
      this.retry(error instanceof ExchangeRefused ? error.retryAfterMs : null);
    }
  }

  private async negotiate(attempt: number): Promise<void> {
    const access = await this.options.access();
    if (attempt !== this.attempt) return;
    const make = this.options.peer ?? ((configuration) => new RTCPeerConnection(configuration));
    const peer = make({ iceServers: access.ice_servers, bundlePolicy: 'max-bundle' });
    this.peer = peer;
    const stream = new MediaStream();
    peer.addTransceiver('video', { direction: 'recvonly' });
    peer.addTransceiver('audio', { direction: 'recvonly' });
    peer.ontrack = (event) => stream.addTrack(event.track);
    peer.onconnectionstatechange = () => this.connectionChanged(peer);
    await peer.setLocalDescription(await peer.createOffer());
    const offer = peer.localDescription?.sdp ?? '';
    const { answer, session } = await exchange(
      access.whep_url,
      access.whep_token,
      offer,
      this.options.post,
    );
    if (attempt !== this.attempt) {
      if (session) void endSession(session, access.whep_token, this.options.post);
      return;
    }
    this.session = session ? { url: session, token: access.whep_token } : null;
    await peer.setRemoteDescription({ type: 'answer', sdp: answer });
    this.options.video.srcObject = stream;
    this.watch(peer);
    await this.play();
  }

  private connectionChanged(peer: RTCPeerConnection): void {
    if (peer !== this.peer) return;
    if (peer.connectionState === 'failed') this.retry(null);
    else if (peer.connectionState === 'disconnected' && this.state === 'playing')
      this.become('stalled');
  }

  /** Pictures that stop coming are the one sure sign of loss, whatever the connection says. */
  private watch(peer: RTCPeerConnection): void {
    const startedMs = Date.now();
    this.progress = { value: 0, atMs: startedMs };
    this.bytes = { value: 0, atMs: startedMs };
    this.watchTimer = setInterval(() => {
      void peer.getStats().then((report) => {
        if (peer === this.peer) this.judge(report, startedMs);
      });
    }, WATCH_MS);
  }

  private judge(report: RTCStatsReport, startedMs: number): void {
    const now = Date.now();
    this.latest = this.measure(report, now);
    const heard = received(report);
    if (heard > this.progress.value) {
      this.progress = { value: heard, atMs: now };
      this.backoff.reset();
      if (this.state !== 'blocked') this.become('playing');
      return;
    }
    const silentMs = now - this.progress.atMs;
    const limitMs = this.progress.value ? RESTART_AFTER_MS : CONNECT_MS;
    if (silentMs > limitMs && now - startedMs > limitMs) this.retry(null);
    else if (silentMs > STALLED_AFTER_MS && this.state === 'playing') this.become('stalled');
  }

  private measure(report: RTCStatsReport, now: number): PlayerStatistics {
    const video = inbound(report, 'video');
    const bytes = (video?.bytesReceived ?? 0) + (inbound(report, 'audio')?.bytesReceived ?? 0);
    const seconds = Math.max(0.001, (now - this.bytes.atMs) / 1000);
    const bitsPerSecond = Math.round(((bytes - this.bytes.value) * 8) / seconds);
    this.bytes = { value: bytes, atMs: now };
    const rtt = candidatePair(report)?.currentRoundTripTime;
    return {
      framesDecoded: video?.framesDecoded ?? 0,
      framesPerSecond: video?.framesPerSecond ?? 0,
      width: video?.frameWidth ?? 0,
      height: video?.frameHeight ?? 0,
      bitsPerSecond,
      packetsLost: video?.packetsLost ?? 0,
      rttMs: rtt === undefined ? null : Math.round(rtt * 1000),
    };
  }

  private retry(afterMs: number | null): void {
    this.drop();
    this.become('waiting');
    clearTimeout(this.retryTimer);
    const waitMs = Math.max(afterMs ?? 0, this.backoff.next());
    this.retryTimer = setTimeout(() => void this.connect(), waitMs);
  }

  private drop(): void {
    this.attempt += 1;
    clearInterval(this.watchTimer);
    this.peer?.close();
    this.peer = null;
    if (this.session) void endSession(this.session.url, this.session.token, this.options.post);
    this.session = null;
  }

  private become(state: PlayerState): void {
    if (state === this.state) return;
    this.state = state;
    this.options.onstate(state);
  }
}

/** What grows while the stream plays: decoded frames, or audio packets where there is no picture. */
function received(report: RTCStatsReport): number {
  const video = inbound(report, 'video');
  if (video?.packetsReceived) return video.framesDecoded ?? 0;
  return inbound(report, 'audio')?.packetsReceived ?? 0;
}

function inbound(
  report: RTCStatsReport,
  kind: 'audio' | 'video',
): RTCInboundRtpStreamStats | undefined {
  return entries(report).find(
    (entry): entry is RTCInboundRtpStreamStats =>
      entry.type === 'inbound-rtp' && (entry as RTCInboundRtpStreamStats).kind === kind,
  );
}

/** The pair of addresses that the media takes. */
export function candidatePair(report: RTCStatsReport): RTCIceCandidatePairStats | undefined {
  return entries(report).find(
    (entry): entry is RTCIceCandidatePairStats =>
      entry.type === 'candidate-pair' && (entry as RTCIceCandidatePairStats).nominated === true,
  );
}

/** A report's entries; the browser's own type leaves them untyped. */
export function entries(report: RTCStatsReport): RTCStats[] {
  return [...(report as ReadonlyMap<string, RTCStats>).values()];
}
