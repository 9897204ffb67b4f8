/**
 * Whether a show can be sent from this browser, tried for real: page, devices, messages, and the picture's way
 * to the media server over UDP and over TCP. Nothing is published.
 */
import type { MediaAccess } from './api';
import { endSession, exchange, ExchangeRefused } from './exchange';
import { PROTOCOL, type ServerMessage } from './wire';

export type CheckName = 'page' | 'devices' | 'messages' | 'udp' | 'tcp';
export type Outcome = 'well' | 'warning' | 'wrong';

/**
 * Why the picture's way could not be tried: the media server is busy, does not know trial connections, refuses
 * the key, or does not answer over HTTP; or pictures go through another engine.
 */
export type Untried = 'busy' | 'absent' | 'refused' | 'away' | 'engine';

export interface CheckResult {
  name: CheckName;
  outcome: Outcome;
  /** Null where it was tried. */
  untried: Untried | null;
  /** How long it took to connect or to be answered; null where that means nothing. */
  ms: number | null;
}

export const CHECKS: readonly CheckName[] = ['page', 'devices', 'messages', 'udp', 'tcp'];

const SOCKET_MS = 8000;
const CONNECT_MS = 10_000;

export interface SelfCheckOptions {
  isSecure: boolean;
  /** Whether camera and microphone can be had. */
  devices: () => Promise<boolean>;
  socketUrl: string;
  access: () => Promise<MediaAccess>;
  onresult: (result: CheckResult) => void;
  /** Ends what is under way; nothing is reported afterwards. */
  signal: AbortSignal;
  open?: (url: string, protocol: string) => WebSocket;
  peer?: (configuration: RTCConfiguration) => RTCPeerConnection;
  post?: typeof fetch;
  now?: () => number;
}

/** Runs all checks, one after the other, so that they do not disturb each other's times. */
export async function selfCheck(options: SelfCheckOptions): Promise<void> {
  const trials: Record<CheckName, () => Promise<number | null>> = {
    page: () => holding(options.isSecure),
    devices: async () => holding(await options.devices()),
    messages: () => roundTrip(options),
    udp: () => connect(options, 'udp'),
    tcp: () => connect(options, 'tcp'),
  };
  for (const name of CHECKS) {
    const result = await attempt(name, trials[name]);
    if (options.signal.aborted) return;
    options.onresult(result);
  }
}

async function attempt(name: CheckName, trial: () => Promise<number | null>): Promise<CheckResult> {
  try {
    return { name, outcome: 'well', untried: null, ms: await trial() };
  } catch (error) {
    const untried = whyUntried(error);
    // TCP is what is left where UDP is blocked: without it the picture comes all the same.
    const isWrong = untried ? untried !== 'busy' && untried !== 'engine' : name !== 'tcp';
    return { name, outcome: isWrong ? 'wrong' : 'warning', untried, ms: null };
  }
}

class OtherEngine extends Error {}

function whyUntried(error: unknown): Untried | null {
  if (error instanceof OtherEngine) return 'engine';
  if (error instanceof TypeError) return 'away'; // what fetch throws where nothing answers
  if (!(error instanceof ExchangeRefused)) return null;
  if (error.status === 429 || error.status === 503) return 'busy';
  return error.status === 404 ? 'absent' : 'refused';
}

function holding(holds: boolean): Promise<null> {
  return holds ? Promise.resolve(null) : Promise.reject(new Error('it does not hold'));
}

/** Joins the room over a socket of its own, and measures a ping. */
function roundTrip(options: SelfCheckOptions): Promise<number> {
  const open = options.open ?? ((url, protocol) => new WebSocket(url, protocol));
  const now = options.now ?? (() => performance.now());
  return within(SOCKET_MS, options.signal, (done, fail) => {
    const socket = open(options.socketUrl, PROTOCOL);
    let sentMs = 0;
    socket.onopen = () => socket.send(JSON.stringify({ t: 'join' }));
    socket.onclose = fail;
    socket.onmessage = (event: MessageEvent<string>) => {
      for (const message of JSON.parse(event.data) as ServerMessage[]) {
        if (message.t === 'snapshot') {
          sentMs = now();
          socket.send(JSON.stringify({ t: 'ping', id: 1 }));
        } else if (message.t === 'pong') done(now() - sentMs);
      }
    };
    return () => socket.close();
  });
}

/** Connects to the media server over one carrier alone, and measures how long that takes. */
async function connect(options: SelfCheckOptions, carrier: 'udp' | 'tcp'): Promise<number> {
  const now = options.now ?? (() => performance.now());
  const make = options.peer ?? ((configuration) => new RTCPeerConnection(configuration));
  const access = await options.access();
  if (!access.check_url) throw new OtherEngine();
  const peer = make({ iceServers: [], bundlePolicy: 'max-bundle' });
  let session: string | null = null;
  try {
    peer.addTransceiver('audio', { direction: 'recvonly' });
    await peer.setLocalDescription(await peer.createOffer());
    const opened = await exchange(
      access.check_url,
      access.whep_token,
      peer.localDescription?.sdp ?? '',
      options.post,
    );
    session = opened.session;
    const startedMs = now();
    return await within(CONNECT_MS, options.signal, (done, fail) => {
      peer.onconnectionstatechange = () => {
        if (peer.connectionState === 'connected') done(now() - startedMs);
        if (peer.connectionState === 'failed') fail();
      };
      const sdp = onlyOver(carrier, opened.answer);
      peer.setRemoteDescription({ type: 'answer', sdp }).catch(fail);
      return () => (peer.onconnectionstatechange = null);
    });
  } finally {
    if (session) await endSession(session, access.whep_token, options.post);
    peer.close();
  }
}

/** An answer whose only candidates are those of one carrier. */
export function onlyOver(carrier: 'udp' | 'tcp', answer: string): string {
  const isOther = (line: string): boolean =>
    line.startsWith('a=candidate:') && line.split(' ')[2]?.toLowerCase() !== carrier;
  return answer
    .split('\r\n')
    .filter((line) => !isOther(line))
    .join('\r\n');
}

/** What `start` reports in time; `start` returns how to clean up, which is done in any case. */
async function within(
  ms: number,
  signal: AbortSignal,
  start: (done: (value: number) => void, fail: () => void) => () => void,
): Promise<number> {
  let clean: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<number>((resolve, reject) => {
      const fail = (): void => reject(new Error('it did not come to that'));
      if (signal.aborted) return fail();
      timer = setTimeout(fail, ms);
      signal.addEventListener('abort', fail, { once: true });
      clean = start(resolve, fail);
    });
  } finally {
    clearTimeout(timer);
    clean?.();
  }
}
