/**
 * A room's socket: joins, answers, heartbeats, and coming back after a loss.
 *
 * One socket at a time. `onmessages` is called once per frame, before the answers in it resolve
 * what was asked, so that whoever asked sees the room with the answer applied. What was asked and
 * not answered when the socket is lost rejects with `ConnectionLost`: its outcome is unknown.
 */
import { Backoff } from './backoff';
import {
  PROTOCOL,
  type ClientMessage,
  type ErrorParams,
  type JoinMessage,
  type Ok,
  type Request,
  type ServerMessage,
  type Verdict,
} from './wire';

const PING_MS = 25_000;
const SILENCE_MS = 10_000;
const ANSWER_MS = 12_000;
/** A crowd that came at once is told at once that its tokens end; it renews over this time. */
const RENEW_WITHIN_MS = 60_000;
const RENEW_AGAIN_MS = 15_000;
/** A connection that held for so long was good: the next loss is a new one. */
const STEADY_MS = 5000;

export type Status =
  | { phase: 'connecting' }
  | { phase: 'open' }
  | { phase: 'waiting'; retryAtMs: number }
  /** The server does not want us back, or we have left (code 1000). */
  | { phase: 'closed'; code: number };

/** The server refused what was asked. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly params: ErrorParams = {},
    readonly temporary = false,
  ) {
    super(code);
    this.name = 'Refused';
  }
}

/** The socket was lost before the answer came; what was asked may or may not have happened. */
export class ConnectionLost extends Error {
  constructor() {
    super('connection lost');
    this.name = 'ConnectionLost';
  }
}

export interface ConnectionOptions {
  url: string;
  /** Where to resume from and who we are, asked anew at each attempt. */
  join: () => Omit<JoinMessage, 't' | 'token'>;
  onmessages: (messages: ServerMessage[]) => void;
  onstatus: (status: Status) => void;
  /** How far the server's clock is ahead of ours, each time it is known better. */
  onclock?: (offsetMs: number) => void;
  /** Where no session cookie speaks for the person: a token, asked for at each attempt to join. */
  token?: () => Promise<string>;
  /** A token that keeps the session going when the present one ends; where there is none, `token`. */
  renew?: () => Promise<string>;
  open?: (url: string, protocol: string) => WebSocket;
  random?: () => number;
}

interface Pending {
  resolve: (answer: Ok | Verdict) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

/** Whether a close code means that trying again makes sense. */
export function mayReconnect(code: number): boolean {
  return code < 4500 || code > 4999;
}

export class Connection {
  private socket: WebSocket | null = null;
  private joined = false;
  private left = false;
  private nextId = 1;
  private readonly pending = new Map<number, Pending>();
  private readonly backoff: Backoff;
  private readonly random: () => number;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private pingTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;
  private steadyTimer: ReturnType<typeof setTimeout> | undefined;
  private renewTimer: ReturnType<typeof setTimeout> | undefined;
  private hintedAtMs = 0;
  private pingSentMs = 0;
  private bestRttMs = Infinity;

  constructor(private readonly options: ConnectionOptions) {
    this.random = options.random ?? Math.random;
    this.backoff = new Backoff(500, 20_000, this.random);
  }

  /** Connects, and stays connected until `close`. */
  start(): void {
    this.left = false;
    this.connect();
  }

  /** Leaves for good. */
  close(): void {
    this.left = true;
    clearTimeout(this.retryTimer);
    this.drop();
    this.options.onstatus({ phase: 'closed', code: 1000 });
  }

  /** Joins anew at once: after a gap, or after the person has changed. */
  rejoin(): void {
    if (this.left) return;
    clearTimeout(this.retryTimer);
    this.drop();
    this.connect();
  }

  /** The network or the screen is back: no need to wait out the back-off. */
  wake(): void {
    if (this.left) return;
    if (this.joined) this.ping();
    else if (!this.socket) this.rejoin();
  }

  /** Sends what needs no answer; forgotten where there is no connection. */
  tell(message: ClientMessage): void {
    if (this.joined) this.write(message);
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @throws Refused, or ConnectionLost where the outcome is unknown.
   */
  ask(request: Request): Promise<Ok | Verdict> {
    return new Promise((resolve, reject) => {
      if (!this.joined) {
        reject(new ConnectionLost());
        return;
      }
      const id = this.nextId++;
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new ConnectionLost());
      }, ANSWER_MS);
      this.pending.set(id, { resolve, reject, timer });
      this.write({ ...request, id });
    });
  }

  private connect(): void {
    this.options.onstatus({ phase: 'connecting' });
    const open = this.options.open ?? ((url, protocol) => new WebSocket(url, protocol));
    const socket = open(this.options.url, PROTOCOL);
    this.socket = socket;
    socket.onmessage = (event: MessageEvent<string>) => this.received(socket, event.data);
    socket.onclose = (event: CloseEvent) => this.lost(socket, event.code);
    socket.onopen = () => void this.greet(socket);
    this.listenFor(SILENCE_MS);
  }

  private async greet(socket: WebSocket): Promise<void> {
    try {
      const token = await this.options.token?.();
      if (socket !== this.socket) return;
      this.write({ t: 'join', ...(token ? { token } : {}), ...this.options.join() });
    } catch {
      this.lost(socket, 1006);
    }
  }

  private received(socket: WebSocket, data: string): void {
    if (socket !== this.socket) return;
    clearTimeout(this.silenceTimer);
    const messages = JSON.parse(data) as ServerMessage[];
    this.options.onmessages(messages);
    for (const message of messages) if (socket === this.socket) this.handle(message);
  }

  private handle(message: ServerMessage): void {
    switch (message.t) {
      case 'snapshot':
      case 'resumed':
        this.opened(message.server_ms);
        break;
      case 'resync':
        this.learnClock(message.server_ms, SILENCE_MS);
        break;
      case 'pong':
        this.learnClock(message.server_ms, Date.now() - this.pingSentMs);
        break;
      case 'reconnect':
        this.reconnectAfter(message.after_ms);
        break;
      case 'expiring':
        this.renewWithin(Math.min(message.in_ms / 2, RENEW_WITHIN_MS));
        break;
      case 'ok':
      case 'verdict':
        this.settle(message.id, (pending) => pending.resolve(message));
        break;
      case 'error':
        this.settle(message.id, (pending) =>
          pending.reject(new Refused(message.code, message.params, message.temporary)),
        );
    }
  }

  private opened(serverMs: number): void {
    this.joined = true;
    this.bestRttMs = Infinity;
    this.learnClock(serverMs, SILENCE_MS);
    this.steadyTimer = setTimeout(() => this.backoff.reset(), STEADY_MS);
    this.options.onstatus({ phase: 'open' });
    this.ping();
  }

  private settle(id: number | null | undefined, finish: (pending: Pending) => void): void {
    const pending = id == null ? undefined : this.pending.get(id);
    if (id == null || !pending) return;
    this.pending.delete(id);
    clearTimeout(pending.timer);
    finish(pending);
  }

  /** The sample with the shortest way there and back is the most exact one. */
  private learnClock(serverMs: number, rttMs: number): void {
    if (rttMs > this.bestRttMs) return;
    this.bestRttMs = rttMs;
    const underway = rttMs === SILENCE_MS ? 0 : rttMs / 2;
    this.options.onclock?.(Math.round(serverMs + underway - Date.now()));
  }

  private ping(): void {
    clearTimeout(this.pingTimer);
    this.pingSentMs = Date.now();
    this.write({ t: 'ping', id: this.nextId++ });
    this.listenFor(SILENCE_MS);
    this.pingTimer = setTimeout(() => this.ping(), PING_MS * (0.5 + this.random() / 2));
  }

  /** Silence for so long means that the connection is gone, whatever the browser believes. */
  private listenFor(ms: number): void {
    clearTimeout(this.silenceTimer);
    const socket = this.socket;
    this.silenceTimer = setTimeout(() => {
      if (socket && socket === this.socket) this.lost(socket, 1006);
    }, ms);
  }

  private renewWithin(ms: number): void {
    clearTimeout(this.renewTimer);
    this.renewTimer = setTimeout(() => void this.renew(), this.random() * ms);
  }

  private async renew(): Promise<void> {
    const socket = this.socket;
    const renew = this.options.renew ?? this.options.token;
    if (!renew) return;
    try {
      const token = await renew();
      if (socket === this.socket) await this.ask({ t: 'refresh', token });
    } catch (error) {
      // What was refused stays refused: the server will close, and joining begins anew.
      if (socket === this.socket && !(error instanceof Refused)) this.renewWithin(RENEW_AGAIN_MS);
    }
  }

  private reconnectAfter(afterMs: number): void {
    this.hintedAtMs = Date.now() + afterMs;
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.rejoin(), afterMs);
  }

  private lost(socket: WebSocket, code: number): void {
    if (socket !== this.socket) return;
    this.drop();
    if (!mayReconnect(code)) {
      this.left = true;
      clearTimeout(this.retryTimer);
      this.options.onstatus({ phase: 'closed', code });
      return;
    }
    const hintedMs = this.hintedAtMs - Date.now();
    const waitMs = hintedMs > 0 ? hintedMs : this.backoff.next();
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.connect(), waitMs);
    this.options.onstatus({ phase: 'waiting', retryAtMs: Date.now() + waitMs });
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    this.joined = false;
    clearTimeout(this.pingTimer);
    clearTimeout(this.silenceTimer);
    clearTimeout(this.steadyTimer);
    clearTimeout(this.renewTimer);
    for (const pending of this.pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(new ConnectionLost());
    }
    this.pending.clear();
    socket?.close();
  }

  private write(message: ClientMessage): void {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(message));
  }
}
