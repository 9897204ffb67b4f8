/** Values for tests: a room, its people and goods, and a socket that the test holds the far end of. */
import type { ConnectionOptions } from '../connection';
import type {
  ClientMessage,
  CommentLine,
  GrantCard,
  OrderCard,
  PersonCard,
  ProductCard,
  RoomCard,
  SaleCard,
  ServerMessage,
  Snapshot,
} from '../wire';

export const viewer: PersonCard = { person: 'p1', name: 'Viewer', role: 'viewer' };

export function product(id = 'umbrella'): ProductCard {
  const title = { en: id };
  return {
    product: id,
    title,
    image: `/demo/${id}.svg`,
    price_minor: 5900,
    currency: 'CNY',
    skus: [{ sku: `${id}-1`, title, price_minor: 5900 }],
  };
}

export function sale(id = 'sale1', change: Partial<SaleCard> = {}): SaleCard {
  return {
    sale: id,
    version: 1,
    phase: 'open',
    product: product(),
    sku: 'umbrella-1',
    price_minor: 3990,
    list_price_minor: 5900,
    currency: 'CNY',
    stock: 10,
    limit: 1,
    opens_ms: 1000,
    closes_ms: 301_000,
    hold_seconds: 120,
    segment: null,
    ...change,
  };
}

export function order(v: number, change: Partial<OrderCard> = {}): OrderCard {
  return {
    order: 'o1',
    v,
    state: 'held',
    room: 'r1',
    sale: 'sale1',
    product: 'umbrella',
    sku: 'umbrella-1',
    title: { en: 'Umbrella' },
    image: '/demo/umbrella.svg',
    qty: 1,
    price_minor: 3990,
    discount_minor: 0,
    total_minor: 3990,
    currency: 'CNY',
    expires_ms: 121_000,
    created_ms: 1000,
    ...change,
  };
}

export function grant(v: number, change: Partial<GrantCard> = {}): GrantCard {
  return {
    grant: 'g1',
    v,
    state: 'active',
    campaign: 'c1',
    title: { en: 'Ten off' },
    discount_minor: 1000,
    threshold_minor: 3000,
    currency: 'CNY',
    ...change,
  };
}

export function comment(id: string): CommentLine {
  return { comment: id, person: viewer, text: `Comment ${id}`, at_ms: 1000 };
}

export function roomCard(change: Partial<RoomCard> = {}): RoomCard {
  return {
    room: 'r1',
    shop: 'shop1',
    title: { en: 'A show' },
    host: { person: 'h1', name: 'Host', role: 'host' },
    phase: 'live',
    starts_ms: 0,
    started_ms: 0,
    ended_ms: null,
    layout: 'single',
    pins: [],
    sales: [],
    drops: [],
    segment: null,
    streams: [],
    muted: {},
    ...change,
  };
}

export function snapshot(change: Partial<Snapshot> = {}): Snapshot {
  return {
    t: 'snapshot',
    epoch: 'e1',
    offset: 0,
    server_ms: 0,
    me: viewer,
    room: roomCard(),
    stock: [],
    viewers: 1,
    likes: 0,
    comments: [],
    orders: [],
    grants: [],
    ...change,
  };
}

/** A `WebSocket` whose far end is the test. */
export class FarEnd {
  readyState = 0;
  readonly sent: ClientMessage[] = [];
  closedByClient = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  send(data: string): void {
    this.sent.push(JSON.parse(data) as ClientMessage);
  }

  close(): void {
    this.closedByClient = true;
    this.readyState = 3;
  }

  accept(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(...messages: ServerMessage[]): void {
    this.onmessage?.({ data: JSON.stringify(messages) });
  }

  hangUp(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  last<Type extends ClientMessage['t']>(type: Type): Extract<ClientMessage, { t: Type }> {
    const found = this.sent.findLast((message) => message.t === type);
    if (!found) throw new Error(`no ${type} was sent`);
    return found as Extract<ClientMessage, { t: Type }>;
  }
}

/** Collects the sockets that a connection opens. */
export function farEnds(): { ends: FarEnd[]; open: NonNullable<ConnectionOptions['open']> } {
  const ends: FarEnd[] = [];
  return {
    ends,
    open: () => {
      const end = new FarEnd();
      ends.push(end);
      return end as unknown as WebSocket;
    },
  };
}
