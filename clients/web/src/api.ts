/** The JSON API: one function an operation, typed by what the server answers. */
import type { LocalText } from './texts/index.svelte';
import type {
  ErrorParams,
  GrantCard,
  OrderCard,
  PersonCard,
  Phase,
  ProductCard,
  Role,
  StreamCard,
} from './wire';

/** A refusal of the server, or `offline` where none answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly params: ErrorParams = {},
    readonly temporary = false,
  ) {
    super(code);
    this.name = 'ApiError';
  }
}

export interface Membership {
  role: Role;
  shop: string;
}

export interface Person {
  person: string;
  name: string;
  role: Role;
  roles: Membership[];
  guest: boolean;
}

export interface Session {
  person: Person | null;
  expires_ms: number;
}

export type DemoRole = 'viewer' | 'viewer2' | 'host' | 'brand' | 'merchant' | 'operator';

export interface Config {
  demo: boolean;
  currency: string;
  media_url: string;
  languages: string[];
}

export interface RoomSummary {
  room: string;
  title: LocalText;
  shop: string;
  shop_name: LocalText;
  host: PersonCard;
  phase: Phase;
  starts_ms: number;
  started_ms: number | null;
  viewers: number;
  likes: number;
  cover: string;
  pinned: ProductCard | null;
  sale: { price_minor: number; list_price_minor: number; currency: string } | null;
}

export interface RoomDetail {
  room: string;
  title: LocalText;
  shop: string;
  shop_name: LocalText;
  host: PersonCard;
  phase: Phase;
  starts_ms: number;
  ends_ms: number;
  time_zone: string;
  cover: string;
  may: { host: boolean; moderate: boolean };
}

export type ShelfProduct = ProductCard & {
  category: string;
  stock: { sku: string; on_hand: number }[];
};

export interface MediaAccess {
  whep_url: string;
  whip_url: string | null;
  whep_token: string;
  whip_token: string | null;
  /** Takes offers for trial connections; null where pictures go through another engine. */
  check_url: string | null;
  ice_servers: RTCIceServer[];
}

export interface ShareLink {
  url: string;
  grant: string;
  campaign: {
    title: LocalText;
    arrivals_needed: number;
    discount_minor: number;
    threshold_minor: number;
    currency: string;
  } | null;
}

/** Where a parcel can be sent; which fields are needed depends on the country. */
export interface Address {
  country: string;
  name: string;
  phone: string;
  region: string;
  city: string;
  district: string;
  street: string;
  postcode: string;
}

export type BookedAddress = Address & { address: string; is_default: boolean };

/** Where an order goes, as it was chosen when it was paid. */
export interface Delivery {
  address: Address | null;
  note: string;
}

/** What a shop promises to those who buy now. */
export interface Policy {
  return_window_days: number;
  shipping_minor: number;
  /** From what the goods cost after discounts; 0: at no amount. */
  free_shipping_from_minor: number;
  ships_within_hours: number;
  address_needed: boolean;
}

export interface QuotedCoupon {
  grant: string;
  /** 0 where it is not used. */
  discount_minor: number;
  /** Why it cannot be used, alone or beside those that are. */
  code: string;
  params: ErrorParams;
}

/** What a bag costs at this moment. */
export interface Quote {
  currency: string;
  gross_minor: number;
  discount_minor: number;
  shipping_minor: number;
  total_minor: number;
  coupons: QuotedCoupon[];
  policy: Policy;
}

export interface QuoteRequest {
  lines: { sale: string; price_minor: number; qty: number }[];
  /** Coupons that may be used. */
  wallet: string[];
  /** Those of them to use; null: the best ones. */
  chosen: string[] | null;
}

export interface Campaign {
  campaign: string;
  title: LocalText;
  kind: 'drop' | 'share';
  discount_minor: number;
  threshold_minor: number;
  currency: string;
  funder: 'merchant' | 'platform';
  percent_ppm: number;
  exclusive: boolean;
  budget_minor: number;
  left_minor: number;
}

export type SegmentState = 'requested' | 'confirmed' | 'declined' | 'canceled' | 'on_air' | 'done';

export interface Segment {
  segment: string;
  room: string;
  kind: 'brand' | 'mix' | 'celebrity';
  state: SegmentState;
  brand: string;
  brand_name: LocalText;
  title: LocalText;
  starts_ms: number;
  ends_ms: number;
  products: ProductCard[];
  commission_ppm: number;
  note: string;
  /** Why it was declined or canceled. */
  reason: string;
  may: { accept: boolean; decline: boolean; cancel: boolean; extend: boolean };
}

export interface ScheduledShow {
  room: string;
  title: LocalText;
  shop: string;
  shop_name: LocalText;
  host: PersonCard;
  starts_ms: number;
  ends_ms: number;
  time_zone: string;
  phase: Phase;
  segments: Segment[];
}

export interface Brand {
  shop: string;
  name: LocalText;
  /** Feed of its segments for calendar programs; who has the address can read it. */
  calendar_url: string;
}

export interface Schedule {
  shows: ScheduledShow[];
  my_brands: Brand[];
  my_hosting: string[];
}

export interface SegmentRequest {
  room: string;
  brand: string;
  kind: Segment['kind'];
  title: LocalText;
  starts_ms: number;
  ends_ms: number;
  products: string[];
  commission_ppm: number;
  note: string;
}

export type OrderRow = OrderCard & {
  order_state: 'awaiting_payment' | 'confirmed' | 'completed' | 'expired' | 'canceled';
  charge: 'none' | 'pending' | 'full' | 'partially_refunded' | 'refunded';
  fulfillment: string;
  room_title: LocalText;
  brand_name: LocalText | null;
  paid_ms: number | null;
  ledger: null | 'applied';
  /** Money that came for an order that had ended, and what becomes of it. */
  given_back?: { reason: string; done: boolean } | null;
};

export type WalletGrant = GrantCard & { kind: 'drop' | 'share'; room: string };

export interface ConsoleStatus {
  rooms: {
    room: string;
    title: LocalText;
    phase: Phase;
    viewers: number;
    orders: number;
    sold_minor: number;
    currency: string;
    streams: StreamCard[];
  }[];
  /** Empty where no supervisor of ours runs them. */
  processes: {
    name: string;
    pid: number | null;
    state: string;
    restarts: number;
    uptime_s: number;
    rss_bytes: number | null;
  }[];
  outbox: { length: number; oldest_ms: number | null };
  ledger: {
    backend: string;
    healthy: boolean;
    /** Why it is not healthy, in the backend's own words. */
    detail: string;
    applied: number;
    pending: number;
    dead: number;
    oldest_ms: number | null;
    trial_balance: { currency: string; debit_minor: number; credit_minor: number }[];
  };
  /** The last one; null before the first. */
  reconciliation: {
    at_ms: number;
    bill: string;
    orders: number;
    findings: Record<string, number>;
  } | null;
  /** Asked for, being done since `taken_ms`, or failed; null: nothing is. */
  reconciling: Reconciling | null;
  /** `reason`: why it is not durable, in the words of its configuration. */
  redis: { version: string; durable: boolean; reason: string | null; used_bytes: number };
}

export interface Reconciling {
  requested_ms: number;
  taken_ms: number | null;
  error: string;
}

export interface DeadLetter {
  id: string;
  key: string;
  type: string;
  at_ms: number;
  attempts: number;
  /** In the ledger's own words. */
  error: string;
  /** Later letters of the same order that wait for it. */
  waiting: number;
  needs_repair: boolean;
}

export interface LedgerEntry {
  entry: string;
  order: string;
  at_ms: number;
  kind: string;
  lines: { account: string; debit_minor: number; credit_minor: number; currency: string }[];
}

const segment = encodeURIComponent;

export const api = {
  session: () => get<Session>('/api/session'),
  signIn: (login: string, password: string) => post<Session>('/api/session', { login, password }),
  signInAsGuest: (nickname: string) => post<Session>('/api/session/guest', { nickname }),
  signInAsDemo: (role: DemoRole) => post<Session>('/api/session/demo', { role }),
  /** Renews the session cookie; the token keeps an open socket's session going. */
  renewSession: () => post<{ token: string; expires_ms: number }>('/api/session/renewal'),
  signOut: () => call<undefined>('DELETE', '/api/session'),
  signOutEverywhere: () => call<undefined>('DELETE', '/api/session/everywhere'),
  /** For operators: `who` is a login name or a person's id; who has no account here has no name. */
  signOutSomebody: (who: string) =>
    post<{ person: string; name: string }>('/api/sign-outs', { who }),
  config: () => get<Config>('/api/config'),

  rooms: () => get<{ rooms: RoomSummary[] }>('/api/rooms').then((answer) => answer.rooms),
  createRoom: (show: {
    title: LocalText;
    starts_ms: number;
    ends_ms?: number;
    time_zone: string;
    cover?: string;
  }) => post<{ room: string }>('/api/rooms', show),
  room: (room: string) => get<RoomDetail>(`/api/rooms/${segment(room)}`),
  shelf: (room: string) =>
    get<{ products: ShelfProduct[] }>(`/api/rooms/${segment(room)}/shelf`).then(
      (answer) => answer.products,
    ),
  media: (room: string, seat = 'host') =>
    get<MediaAccess>(`/api/rooms/${segment(room)}/media?seat=${segment(seat)}`),
  /** The same for a program that cannot ask again, such as OBS: its key lasts as long as a show. */
  encoder: (room: string) =>
    get<MediaAccess>(`/api/rooms/${segment(room)}/media?seat=host&encoder=obs`),
  share: (room: string) =>
    post<ShareLink>(`/api/rooms/${segment(room)}/share`, { channel: 'link' }),
  campaigns: (room: string) =>
    get<{ campaigns: Campaign[] }>(`/api/rooms/${segment(room)}/campaigns`).then(
      (answer) => answer.campaigns,
    ),

  schedule: (fromMs: number, toMs: number) =>
    get<Schedule>(`/api/schedule?from_ms=${fromMs}&to_ms=${toMs}`),
  requestSegment: (request: SegmentRequest) => post<Segment>('/api/segments', request),
  acceptSegment: (id: string) => post<Segment>(`/api/segments/${segment(id)}/accept`),
  declineSegment: (id: string, reason: string) =>
    post<Segment>(`/api/segments/${segment(id)}/decline`, { reason }),
  cancelSegment: (id: string) => post<Segment>(`/api/segments/${segment(id)}/cancel`),
  extendSegment: (id: string, minutes: number, key: string) =>
    post<Segment>(`/api/segments/${segment(id)}/extend`, { minutes, key }),
  brandProducts: (shop: string) =>
    get<{ products: ProductCard[] }>(`/api/brands/${segment(shop)}/products`).then(
      (answer) => answer.products,
    ),

  orders: () => get<{ orders: OrderRow[] }>('/api/orders').then((answer) => answer.orders),
  order: (order: string) => get<OrderRow>(`/api/orders/${segment(order)}`),
  pay: (order: string, where: { address?: string; note?: string | null } = {}) =>
    post<{ pay_url: string }>(`/api/orders/${segment(order)}/pay`, where),
  delivery: (order: string) => get<Delivery>(`/api/orders/${segment(order)}/delivery`),
  quote: (request: QuoteRequest) => post<Quote>('/api/quotes', request),
  addresses: () =>
    get<{ addresses: BookedAddress[] }>('/api/addresses').then((answer) => answer.addresses),
  addAddress: (address: Address & { is_default: boolean }) =>
    post<BookedAddress>('/api/addresses', address),
  changeAddress: (id: string, address: Address & { is_default: boolean }) =>
    call<BookedAddress>('PUT', `/api/addresses/${segment(id)}`, address),
  removeAddress: (id: string) => call<undefined>('DELETE', `/api/addresses/${segment(id)}`),
  cancelOrder: (order: string) => post<OrderRow>(`/api/orders/${segment(order)}/cancel`),
  coupons: () => get<{ grants: WalletGrant[] }>('/api/coupons').then((answer) => answer.grants),

  console: () => get<ConsoleStatus>('/api/console'),
  deadLetters: () =>
    get<{ dead_letters: DeadLetter[] }>('/api/console/ledger/dead-letters').then(
      (answer) => answer.dead_letters,
    ),
  /** Sends them again; without ids all that need no repair. */
  /** Safe to ask twice: it is done once. */
  reconcile: () => post<Reconciling>('/api/console/ledger/reconcile'),
  retryLetters: (ids: string[]) =>
    post<{ sent: number }>('/api/console/ledger/dead-letters/retry', { ids }),
  ledgerEntries: (limit = 50) =>
    get<{ entries: LedgerEntry[] }>(`/api/console/ledger?limit=${limit}`).then(
      (answer) => answer.entries,
    ),
};

export function get<Answer>(path: string): Promise<Answer> {
  return call<Answer>('GET', path);
}

export function post<Answer>(path: string, body: unknown = {}): Promise<Answer> {
  return call<Answer>('POST', path, body);
}

export async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, 'offline', {}, true);
  }
  if (response.status === 204) return undefined as Answer;
  const document: unknown = await response.json().catch(() => null);
  if (!response.ok || document === null) throw refusal(response.status, document);
  return document as Answer;
}

/** What a refusal says. */
export function refusal(status: number, document: unknown): ApiError {
  const error = (document as { error?: Partial<ApiError> } | null)?.error;
  const code = error?.code ?? (status >= 500 ? 'server_error' : 'bad_request');
  return new ApiError(status, code, error?.params ?? {}, error?.temporary ?? status >= 500);
}
