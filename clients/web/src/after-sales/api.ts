/** What happens to an order after it was paid: the API of its buyer and of its merchant. */
import { call, get, post, type Policy } from '../api';
import type { LocalText } from '../texts/index.svelte';

export interface LineUnits {
  line: number;
  qty: number;
}

export interface SoldLine {
  line: number;
  product: string;
  sku: string;
  title: LocalText;
  variant: LocalText;
  image: string;
  qty: number;
  unit_price_minor: number;
  discount_minor: number;
  shipping_minor: number;
  paid_minor: number;
  shipped: number;
  to_ship: number;
  returnable: number;
  refundable_units: number;
  refunded_minor: number;
  left_minor: number;
  units_left: number;
  restockable: number;
  restocked: number;
}

export interface ParcelEvent {
  state: string;
  at_ms: number;
  text: string;
}

export interface Parcel {
  parcel: string;
  state: 'shipped' | 'in_transit' | 'out_for_delivery' | 'delivered';
  carrier: string;
  tracking: string;
  lines: LineUnits[];
  shipped_ms: number;
  delivered_ms: number | null;
  events: ParcelEvent[];
}

export type ReturnReason = 'changed_mind' | 'damaged' | 'wrong_item' | 'not_as_described' | 'other';

export interface ReturnCase {
  return_id: string;
  state:
    | 'requested'
    | 'approved'
    | 'sent_back'
    | 'received'
    | 'refunding'
    | 'refunded'
    | 'declined'
    | 'canceled';
  reason: ReturnReason;
  note: string;
  answer: string;
  lines: LineUnits[];
  carrier: string;
  tracking: string;
  created_ms: number;
  decided_ms: number | null;
  received_ms: number | null;
  /** What may be paid for it. */
  worth_minor: number;
}

export interface Refund {
  refund: string;
  state: 'requested' | 'sent' | 'done' | 'failed';
  cause: 'merchant' | 'cancel' | 'return';
  amount_minor: number;
  lines: { line: number; amount_minor: number; qty: number }[];
  reason: string;
  return_id: string | null;
  created_ms: number;
  done_ms: number | null;
  error: string;
}

/** A paid order with its parcels, returns and refunds, oldest first. */
export interface SoldOrder {
  order: string;
  room: string;
  room_title: LocalText;
  shop: string;
  shop_name: LocalText;
  buyer_name: string;
  currency: string;
  total_minor: number;
  refunded_minor: number;
  left_minor: number;
  created_ms: number;
  confirmed_ms: number;
  order_state: 'confirmed' | 'completed' | 'canceled';
  charge: 'full' | 'partially_refunded' | 'refunded';
  fulfillment:
    'unfulfilled' | 'partially_shipped' | 'shipped' | 'delivered' | 'received' | 'returned';
  received_ms: number | null;
  /** When it counts as received though its buyer says nothing. */
  receipt_due_ms: number | null;
  return_until_ms: number | null;
  return_window_days: number;
  settles_ms: number | null;
  lines: SoldLine[];
  parcels: Parcel[];
  returns: ReturnCase[];
  refunds: Refund[];
  may: { cancel: boolean; receive: boolean; ask_back: boolean; ship: boolean; refund: boolean };
}

export interface ParcelWish {
  key: string;
  carrier: string;
  tracking: string;
  lines: LineUnits[];
}

export interface ReturnWish {
  key: string;
  lines: LineUnits[];
  reason: ReturnReason;
  note: string;
}

/** Some lines, or an amount; where neither is named, everything that is left. */
export interface RefundWish {
  key: string;
  lines?: { line: number; qty: number; amount_minor?: number }[];
  amount_minor?: number;
  reason?: string;
  restock?: boolean;
}

export interface ReturnRefundWish {
  key: string;
  amount_minor?: number;
  restock: boolean;
}

export interface RefundPreview {
  amount_minor: number;
  left_minor: number;
  currency: string;
  lines: { line: number; amount_minor: number; qty: number }[];
  /** Who bears how much; below zero it gets something back. */
  shares: { account: string; minor: number }[];
}

export interface Deed {
  at_ms: number;
  action: string;
  actor: string;
  actor_name: string;
}

export interface MerchantOverview {
  shops: { shop: string; name: LocalText }[];
  rooms: { room: string; title: LocalText }[];
}

export const TABS = [
  'to_ship',
  'on_the_way',
  'returns',
  'refunds',
  'completed',
  'canceled',
  'all',
] as const;
export type Tab = (typeof TABS)[number];

export interface OrderPage {
  orders: SoldOrder[];
  next: string | null;
  counts: Record<Tab, number>;
}

export interface CarrierKey {
  url: string;
  secret: string;
  version: number;
  since_ms: number;
}

const id = encodeURIComponent;
const bought = (order: string): string => `/api/orders/${id(order)}`;
const sold = (order: string): string => `/api/merchant/orders/${id(order)}`;
const back = (order: string, one: string): string => `${sold(order)}/returns/${id(one)}`;

/** The buyer's side; every call answers the order as it is then. */
export const buyer = {
  order: (order: string) => get<SoldOrder>(`${bought(order)}/after-sales`),
  receive: (order: string) => post<SoldOrder>(`${bought(order)}/receive`),
  askBack: (order: string, wish: ReturnWish) => post<SoldOrder>(`${bought(order)}/returns`, wish),
  withdraw: (order: string, one: string) =>
    post<SoldOrder>(`${bought(order)}/returns/${id(one)}/withdraw`),
  sent: (order: string, one: string, parcel: { carrier: string; tracking: string }) =>
    post<SoldOrder>(`${bought(order)}/returns/${id(one)}/sent`, parcel),
};

/** The merchant's side; what changes an order answers it as it is then. */
export const merchant = {
  overview: () => get<MerchantOverview>('/api/merchant'),
  orders: (query: URLSearchParams) => get<OrderPage>(`/api/merchant/orders?${query}`),
  order: (order: string) => get<SoldOrder>(sold(order)),
  history: (order: string) =>
    get<{ history: Deed[] }>(`${sold(order)}/history`).then((answer) => answer.history),
  ship: (order: string, wish: ParcelWish) => post<SoldOrder>(`${sold(order)}/parcels`, wish),
  refund: (order: string, wish: RefundWish) => post<SoldOrder>(`${sold(order)}/refunds`, wish),
  previewRefund: (order: string, wish: RefundWish) =>
    post<RefundPreview>(`${sold(order)}/refunds/preview`, wish),
  restock: (order: string, wish: { key: string; lines: LineUnits[] }) =>
    post<SoldOrder>(`${sold(order)}/restock`, wish),
  approve: (order: string, one: string, answer: string) =>
    post<SoldOrder>(`${back(order, one)}/approve`, { answer }),
  decline: (order: string, one: string, answer: string) =>
    post<SoldOrder>(`${back(order, one)}/decline`, { answer }),
  arrived: (order: string, one: string) => post<SoldOrder>(`${back(order, one)}/receive`),
  refundReturn: (order: string, one: string, wish: ReturnRefundWish) =>
    post<SoldOrder>(`${back(order, one)}/refund`, wish),
  previewReturn: (order: string, one: string, wish: ReturnRefundWish) =>
    post<RefundPreview>(`${back(order, one)}/refund/preview`, wish),

  policy: (shop: string) => get<Policy>(`/api/shops/${id(shop)}/policy`),
  setPolicy: (shop: string, policy: Policy) =>
    call<Policy>('PUT', `/api/shops/${id(shop)}/policy`, policy),
  carrierKey: (shop: string) => get<CarrierKey>(`/api/shops/${id(shop)}/parcel-key`),
  changeCarrierKey: (shop: string) => post<CarrierKey>(`/api/shops/${id(shop)}/parcel-key`),
};
