/**
 * The socket's vocabulary, version 1, both directions; the server's `gateway/messages/` is its source.
 *
 * Within version 1 fields and types are only added; what is not known is ignored. Times are UTC
 * milliseconds, money is in minor units.
 */
import type { LocalText } from './texts/index.svelte';

export const PROTOCOL = 'livecommerce.v1.json';

export type Role = 'viewer' | 'guest' | 'host' | 'brand' | 'merchant' | 'moderator' | 'operator';
export type Phase = 'scheduled' | 'live' | 'ended';

export interface PersonCard {
  person: string;
  name: string;
  role: Role;
}

export interface SkuCard {
  sku: string;
  title: LocalText;
  price_minor: number;
}

export interface ProductCard {
  product: string;
  title: LocalText;
  image: string;
  price_minor: number;
  currency: string;
  /** Its owner; some coupons lower the products of one shop only. */
  shop?: string;
  skus: SkuCard[];
}

export interface PinCard {
  product: ProductCard;
  pinned_ms: number;
}

/** The result of a draw; with the export of the sale everybody can make it again. */
export interface DrawCard {
  seed: string;
  /** Of sale, units and entrants. */
  digest: string;
  units: number;
  entrants: number;
  winners: number;
}

export interface SaleCard {
  sale: string;
  version: number;
  phase: 'scheduled' | 'open' | 'sold_out' | 'closed';
  product: ProductCard;
  sku: string;
  price_minor: number;
  list_price_minor: number;
  currency: string;
  /** Units allocated to the sale; what is left travels in `stock` messages. */
  stock: number;
  limit: number;
  opens_ms: number;
  closes_ms: number;
  hold_seconds: number;
  segment?: string | null;
  /** A flash price until a deadline, or the list price as long as the show lasts. */
  kind?: 'flash' | 'shelf';
  /** People can wait once it is sold out; or its units are drawn for first. */
  line?: '' | 'waitlist' | 'lottery';
  /** How long a draw takes entries, from `opens_ms` on. */
  window_ms?: number;
  /** SHA-256 of the draw's seed. */
  commit?: string;
  draw?: DrawCard | null;
}

export type PlaceState =
  'waiting' | 'entered' | 'lost' | 'turn' | 'taken' | 'lapsed' | 'left' | 'over';

/** Somebody's place in the line of a sale; of one sale the highest `v` wins. */
export interface PlaceCard {
  sale: string;
  v: number;
  state: PlaceState;
  /** Units wished for; in a turn, units set aside. */
  qty: number;
  /** Who has a lower one comes first. */
  ticket: number;
  /** People before it when the card was made. */
  ahead: number;
  /** When the turn is over. */
  ends_ms: number;
  /** What stands for the person in a draw. */
  entry: string;
}

/** How long the line of a sale is; the highest `v` wins. */
export interface QueueCount {
  sale: string;
  v: number;
  waiting: number;
  /** The ticket of who is first. */
  head: number;
}

export interface DropCard {
  drop: string;
  campaign: string;
  title: LocalText;
  discount_minor: number;
  threshold_minor: number;
  currency: string;
  count: number;
  ends_ms: number;
  /** The part of the price that one takes off, up to `discount_minor`; 0: a fixed amount. */
  percent_ppm?: number;
  exclusive?: boolean;
  shop?: string;
}

export interface SegmentCard {
  segment: string;
  kind: 'brand' | 'mix' | 'celebrity';
  title: LocalText;
  brand: string;
  brand_name: LocalText;
  starts_ms: number;
  ends_ms: number;
}

export interface StreamCard {
  seat: string;
  stream: string;
  since_ms: number;
  stalled?: boolean;
}

/** A guest's place beside the host; whether a picture comes from it, the streams tell. */
export interface SeatCard {
  seat: string;
  person: PersonCard;
}

export type Layout = 'single' | 'side-by-side' | 'picture-in-picture';

/** The whole control state of a room; control messages change exactly this. */
export interface RoomCard {
  room: string;
  shop: string;
  title: LocalText;
  host: PersonCard;
  phase: Phase;
  starts_ms: number;
  started_ms?: number | null;
  ended_ms?: number | null;
  layout: string;
  /** Newest first. */
  pins: PinCard[];
  /** Newest first; closed ones leave when the next opens. */
  sales: SaleCard[];
  drops: DropCard[];
  segment: SegmentCard | null;
  streams: StreamCard[];
  /** Guests who may send a picture. */
  seats?: SeatCard[];
  /** Person → until when they may not comment. */
  muted: Record<string, number>;
  /** Between two comments of one person; 0: as fast as anywhere. */
  slow_seconds?: number;
  /** Comments wait for a moderator before others see them. */
  reviewed?: boolean;
  pinned_comment?: CommentLine | null;
  /** Whom the host has asked to moderate this room. */
  moderators?: PersonCard[];
}

export type SanctionKind = 'shadow' | 'ban';

/** What a moderator imposed on a person; only those who moderate hear of it. */
export interface Sanction {
  kind: SanctionKind;
  person: string;
  name: string;
  /** 0: it was lifted. */
  until_ms: number;
  v: number;
}

/** What is left of a sale; the highest `v` wins. */
export interface StockCount {
  sale: string;
  v: number;
  available: number;
  held: number;
  sold: number;
}

export interface CommentLine {
  comment: string;
  person: PersonCard;
  text: string;
  at_ms: number;
}

export type HoldState = 'held' | 'paying' | 'closing' | 'sold' | 'released' | 'expired';

/** One line of an order that has several. */
export interface OrderLine {
  sale: string;
  product: string;
  sku: string;
  title: LocalText;
  image: string;
  qty: number;
  price_minor: number;
  /** Of the whole line, by all coupons. */
  discount_minor: number;
}

/** A buyer's hold and the order it becomes; the highest `v` wins. */
export interface OrderCard {
  order: string;
  v: number;
  state: HoldState;
  room: string;
  sale: string;
  product: string;
  sku: string;
  title: LocalText;
  image: string;
  qty: number;
  price_minor: number;
  discount_minor: number;
  total_minor: number;
  currency: string;
  expires_ms: number;
  created_ms: number;
  pay_url?: string;
  segment?: string | null;
  brand?: string | null;
  shop?: string;
  /** Where there are several; an order of one line is told by the fields above. */
  lines?: OrderLine[];
  shipping_minor?: number;
  /** The merchant's promise; 0: none. */
  ships_within_hours?: number;
  return_window_days?: number;
  /** Goods are sent: it cannot be paid without an address. */
  address_needed?: boolean;
}

export type GrantState = 'locked' | 'active' | 'reserved' | 'spent' | 'expired';

/** A coupon in a person's wallet, or on its way there; the highest `v` wins. */
export interface GrantCard {
  grant: string;
  v: number;
  state: GrantState;
  campaign: string;
  title: LocalText;
  discount_minor: number;
  threshold_minor: number;
  currency: string;
  arrivals?: number;
  arrivals_needed?: number;
  ends_ms?: number;
  /** The merchant whose products alone it lowers; empty: everybody's. */
  shop?: string;
  /** The part of the price that it takes off, up to `discount_minor`; 0: a fixed amount. */
  percent_ppm?: number;
  /** It lowers nothing that another coupon lowers. */
  exclusive?: boolean;
}

export type ErrorParams = Record<string, string | number>;

// ---------------------------------------------------------------- client → server

export interface JoinMessage {
  t: 'join';
  token?: string;
  epoch?: string;
  offset?: number;
  device?: string;
  grant?: string;
}

/** What may be asked of a room; `id` is given by the connection. */
export type Request =
  | { t: 'comment'; text: string }
  | {
      t: 'buy';
      sale: string;
      version: number;
      price_minor: number;
      key: string;
      qty?: number;
      grant?: string;
    }
  | {
      t: 'buy.bag';
      lines: { sale: string; version: number; price_minor: number; qty: number }[];
      key: string;
      grants?: string[];
    }
  | { t: 'wait'; sale: string; qty?: number }
  | { t: 'wait.leave'; sale: string }
  | { t: 'claim'; drop: string }
  | { t: 'refresh'; token: string }
  | { t: 'show.start' }
  | { t: 'show.end' }
  | { t: 'pin'; product: string }
  | { t: 'unpin'; product: string }
  | {
      t: 'sale.open';
      sku: string;
      price_minor: number;
      stock: number;
      key: string;
      limit?: number;
      seconds?: number;
      /** When it opens: so long from now, or then; without either at once. */
      wait_seconds?: number;
      opens_ms?: number;
      mode?: 'fifo' | 'lottery';
      /** How long a draw takes entries; `seconds` begin when it is over. */
      window_seconds?: number;
      waitlist?: boolean;
    }
  | { t: 'shelf.open'; sku: string; stock: number; key: string; limit?: number }
  | {
      t: 'sale.adjust';
      sale: string;
      version: number;
      key: string;
      price_minor?: number;
      limit?: number;
      extend_seconds?: number;
      add_units?: number;
    }
  | { t: 'sale.close'; sale: string; version: number }
  | { t: 'coupon.drop'; campaign: string; count: number; seconds?: number; key?: string }
  | { t: 'mute'; person: string; seconds?: number }
  | { t: 'delete'; comment: string }
  | { t: 'slow'; seconds: number }
  | { t: 'review.first'; on: boolean }
  | { t: 'comment.pin'; comment: string }
  | { t: 'comment.unpin' }
  | { t: 'review'; comment: string; approve: boolean }
  | { t: 'impose'; kind: SanctionKind; person: string; name?: string; seconds?: number }
  | { t: 'moderator.appoint'; person: string; name: string }
  | { t: 'moderator.dismiss'; person: string }
  | { t: 'seat.give'; person: string; name: string }
  | { t: 'seat.vacate'; seat: string }
  | { t: 'layout'; layout: Layout };

export type ClientMessage =
  JoinMessage | { t: 'ping'; id?: number } | { t: 'like'; n: number } | (Request & { id?: number });

// ---------------------------------------------------------------- server → client

/** What both answers to `join` carry beside the control state. */
interface Joined {
  epoch: string;
  offset: number;
  server_ms: number;
  me: PersonCard;
  stock: StockCount[];
  viewers: number;
  likes: number;
  comments: CommentLine[];
  orders: OrderCard[];
  grants: GrantCard[];
  queues?: QueueCount[];
}

export type Snapshot = { t: 'snapshot'; room: RoomCard } & Joined;

/** The missed control messages follow in the same frame, up to `offset`. */
export type Resumed = { t: 'resumed' } & Joined;

export interface Ok {
  t: 'ok';
  id: number;
  order?: OrderCard | null;
  grant?: GrantCard | null;
  place?: PlaceCard | null;
}

export interface Refusal {
  t: 'error';
  code: string;
  id?: number | null;
  params?: ErrorParams;
  temporary?: boolean;
}

export interface Verdict {
  t: 'verdict';
  id: number | null;
  result: 'delivered' | 'sampled' | 'held' | 'rejected';
  comment?: string;
  code?: string;
  /** How long until another one may be sent, where it was too early. */
  wait_ms?: number;
}

/** A change of the control state: ordered, gap-free by `offset`. */
export type ControlMessage = { offset: number; at_ms: number } & (
  | { t: 'show.started' }
  | { t: 'show.ended' }
  | { t: 'pinned'; pin: PinCard }
  | { t: 'unpinned'; product: string }
  | { t: 'sale.scheduled'; sale: SaleCard }
  | { t: 'sale.opened'; sale: SaleCard }
  | { t: 'sale.adjusted'; sale: SaleCard }
  | { t: 'sale.drawn'; sale: string; draw: DrawCard }
  | { t: 'sold.out'; sale: string }
  | { t: 'restocked'; sale: string }
  | { t: 'sale.closed'; sale: string }
  | { t: 'coupon.dropped'; drop: DropCard }
  | { t: 'segment.started'; segment: SegmentCard }
  | { t: 'segment.ended'; segment: string }
  | { t: 'stream.started'; stream: StreamCard }
  | { t: 'stream.ended'; seat: string }
  | { t: 'seat.given'; seat: SeatCard }
  | { t: 'seat.vacated'; seat: string }
  | { t: 'layout'; layout: string }
  | { t: 'muted'; person: string; until_ms: number }
  | { t: 'deleted'; comment: string }
  | { t: 'slow.mode'; seconds: number }
  | { t: 'review.mode'; on: boolean }
  | { t: 'comment.pinned'; comment: CommentLine }
  | { t: 'comment.unpinned' }
  | { t: 'moderator.appointed'; moderator: PersonCard }
  | { t: 'moderator.dismissed'; person: string }
);

export type ServerMessage =
  | Snapshot
  | Resumed
  | { t: 'resync'; epoch: string; offset: number; server_ms: number; room: RoomCard }
  | Ok
  | Refusal
  | Verdict
  | { t: 'pong'; id: number | null; server_ms: number }
  | { t: 'reconnect'; after_ms: number }
  /** The token ends; `refresh` with a new one keeps the session. */
  | { t: 'expiring'; in_ms: number }
  | ControlMessage
  | { t: 'order'; order: OrderCard }
  | { t: 'grant'; grant: GrantCard }
  | { t: 'place'; place: PlaceCard }
  | { t: 'queue'; queues: QueueCount[] }
  | { t: 'stock'; stock: StockCount[] }
  | { t: 'viewers'; n: number }
  | { t: 'likes'; n: number }
  | { t: 'comments'; comments: CommentLine[] }
  | { t: 'me'; me: PersonCard }
  | { t: 'moderation'; held: CommentLine[]; sanctions: Sanction[] }
  | { t: 'held'; comments: CommentLine[] }
  | { t: 'shadowed'; comments: CommentLine[] }
  | { t: 'reviewed'; comment: string }
  | { t: 'sanctioned'; sanction: Sanction };

export function isControl(message: ServerMessage): message is ControlMessage {
  return 'offset' in message && 'at_ms' in message;
}
