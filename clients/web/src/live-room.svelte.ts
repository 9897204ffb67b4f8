/** One room as a page uses it: the view drawn from the socket, and what can be asked of it. */
import { api } from './api';
import { setClockOffset } from './clock.svelte';
import { Connection, type Status } from './connection';
import { apply, leavesGap, newComments, nothingYet, type RoomView } from './state';
import type { CommentLine, Ok, Request, ServerMessage, Verdict } from './wire';

export interface LiveRoomOptions {
  /** The share grant that brought this viewer here. */
  grant?: string;
  /** Comments as they arrive, each once; not those that were there before. */
  oncomments?: (comments: CommentLine[]) => void;
  /** Every message, after the view has taken it in. */
  onmessage?: (message: ServerMessage) => void;
}

export class LiveRoom {
  view = $state.raw<RoomView>(nothingYet);
  status = $state.raw<Status>({ phase: 'connecting' });
  private readonly connection: Connection;
  private waiting: (() => void)[] = [];
  private readonly wake = (): void => {
    if (!document.hidden) this.connection.wake();
  };

  constructor(
    room: string,
    private readonly options: LiveRoomOptions = {},
  ) {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    this.connection = new Connection({
      url: `${scheme}://${location.host}/ws/${encodeURIComponent(room)}`,
      join: () => ({
        epoch: this.view.epoch,
        offset: this.view.offset,
        device: deviceId(),
        ...(options.grant ? { grant: options.grant } : {}),
      }),
      onmessages: (messages) => this.receive(messages),
      onstatus: (status) => this.become(status),
      onclock: setClockOffset,
      renew: () => api.renewSession().then((renewed) => renewed.token),
    });
    this.connection.start();
    window.addEventListener('online', this.wake);
    document.addEventListener('visibilitychange', this.wake);
  }

  /** Asks the room for something; see `Connection.ask`. */
  ask(request: Request): Promise<Ok | Verdict> {
    return this.connection.ask(request);
  }

  /** Resolves when the room has answered the join; at once if it has. */
  whenOpen(): Promise<void> {
    if (this.status.phase === 'open') return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  like(n: number): void {
    this.connection.tell({ t: 'like', n });
  }

  /** Joins again as who is signed in now. */
  rejoin(): void {
    this.connection.rejoin();
  }

  close(): void {
    window.removeEventListener('online', this.wake);
    document.removeEventListener('visibilitychange', this.wake);
    this.connection.close();
  }

  private become(status: Status): void {
    this.status = status;
    if (status.phase !== 'open') return;
    for (const resolve of this.waiting) resolve();
    this.waiting = [];
  }

  private receive(messages: ServerMessage[]): void {
    for (const message of messages) {
      if (this.view.room && leavesGap(this.view, message)) {
        // Without an epoch the answer is a whole snapshot.
        this.view = { ...this.view, epoch: '' };
        this.connection.rejoin();
        return;
      }
      const comments = newComments(this.view, message);
      this.view = apply(this.view, message);
      if (comments.length) this.options.oncomments?.(comments);
      this.options.onmessage?.(message);
    }
  }
}

/** A random id that this browser keeps; it tells a friend's phone from one's own second tab. */
function deviceId(): string {
  try {
    const kept = localStorage.getItem('device');
    if (kept) return kept;
    const made = crypto.randomUUID?.() ?? `d-${Math.random().toString(36).slice(2)}`;
    localStorage.setItem('device', made);
    return made;
  } catch {
    return '';
  }
}
