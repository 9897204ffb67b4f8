/**
 * What the browser knows of a room: (view, message) → view, pure.
 *
 * Law: an earlier view with the control messages since then applied shows the same room as a fresh
 * snapshot. It mirrors the rules by which the server folds its own events.
 */
import {
  isControl,
  type CommentLine,
  type ControlMessage,
  type DrawCard,
  type GrantCard,
  type OrderCard,
  type PlaceCard,
  type QueueCount,
  type PersonCard,
  type Resumed,
  type RoomCard,
  type SaleCard,
  type Sanction,
  type SeatCard,
  type ServerMessage,
  type Snapshot,
  type StockCount,
} from './wire';

/** Comments kept; older ones scroll out of memory. */
export const COMMENTS_KEPT = 200;

export interface RoomView {
  epoch: string;
  offset: number;
  me: PersonCard | null;
  room: RoomCard | null;
  /** By sale. */
  stock: Readonly<Record<string, StockCount>>;
  viewers: number;
  likes: number;
  /** Oldest first. */
  comments: readonly CommentLine[];
  /** By order. */
  orders: Readonly<Record<string, OrderCard>>;
  /** By grant. */
  grants: Readonly<Record<string, GrantCard>>;
  /** One's places in lines, by sale. */
  places: Readonly<Record<string, PlaceCard>>;
  /** How long lines are, by sale. */
  queues: Readonly<Record<string, QueueCount>>;
  /** What those who moderate see beside the others. */
  desk: Desk;
}

export interface Desk {
  /** Comments that wait for a word, oldest first. */
  held: readonly CommentLine[];
  /** Comments that only their author and the moderators see. */
  shadowed: ReadonlySet<string>;
  /** By kind and person. */
  sanctions: Readonly<Record<string, Sanction>>;
}

export const nothingYet: RoomView = {
  epoch: '',
  offset: 0,
  me: null,
  room: null,
  stock: {},
  viewers: 0,
  likes: 0,
  comments: [],
  orders: {},
  grants: {},
  places: {},
  queues: {},
  desk: { held: [], shadowed: new Set(), sanctions: {} },
};

export function apply(view: RoomView, message: ServerMessage): RoomView {
  if (isControl(message)) return applyControl(view, message);
  switch (message.t) {
    case 'snapshot':
      return {
        ...joined(view, message),
        epoch: message.epoch,
        offset: message.offset,
        room: message.room,
        comments: message.comments,
      };
    case 'resumed':
      // The offset moves with the control messages that follow, not ahead of them.
      return joined(view, message);
    case 'resync':
      return { ...view, epoch: message.epoch, offset: message.offset, room: message.room };
    case 'ok':
      return {
        ...view,
        orders: latest(view.orders, message.order ? [message.order] : [], orderId),
        grants: latest(view.grants, message.grant ? [message.grant] : [], grantId),
        places: latest(view.places, message.place ? [message.place] : [], saleId),
      };
    case 'order':
      return { ...view, orders: latest(view.orders, [message.order], orderId) };
    case 'grant':
      return { ...view, grants: latest(view.grants, [message.grant], grantId) };
    case 'place':
      return { ...view, places: latest(view.places, [message.place], saleId) };
    case 'queue':
      return { ...view, queues: latest(view.queues, message.queues, saleId) };
    case 'stock':
      return { ...view, stock: latest(view.stock, message.stock, saleId) };
    case 'viewers':
      return { ...view, viewers: message.n };
    case 'likes':
      return { ...view, likes: message.n };
    case 'comments':
      return { ...view, comments: withComments(view.comments, message.comments) };
    case 'me':
      // Who moderates again, or for the first time, is told what is on the desk.
      return { ...view, me: message.me, desk: nothingYet.desk };
    case 'moderation':
    case 'held':
    case 'shadowed':
    case 'reviewed':
    case 'sanctioned':
      return applyDesk(view, message);
    default:
      return view;
  }
}

type DeskMessage = Extract<
  ServerMessage,
  { t: 'moderation' | 'held' | 'shadowed' | 'reviewed' | 'sanctioned' }
>;

function applyDesk(view: RoomView, message: DeskMessage): RoomView {
  const { desk } = view;
  switch (message.t) {
    case 'moderation':
      return {
        ...view,
        desk: { ...desk, held: message.held, sanctions: latest({}, message.sanctions, sanctionId) },
      };
    case 'held':
      return { ...view, desk: { ...desk, held: withComments(desk.held, message.comments) } };
    case 'shadowed':
      return {
        ...view,
        comments: withComments(view.comments, message.comments),
        desk: {
          ...desk,
          shadowed: new Set([...desk.shadowed, ...message.comments.map((line) => line.comment)]),
        },
      };
    case 'reviewed': {
      const held = desk.held.filter((line) => line.comment !== message.comment);
      return { ...view, desk: { ...desk, held } };
    }
    case 'sanctioned':
      return {
        ...view,
        desk: { ...desk, sanctions: latest(desk.sanctions, [message.sanction], sanctionId) },
      };
  }
}

/** Whether a control message shows that one before it is missing. */
export function leavesGap(view: RoomView, message: ServerMessage): boolean {
  return isControl(message) && message.offset > view.offset + 1;
}

/** The comments of a message that the view does not have yet. */
export function newComments(view: RoomView, message: ServerMessage): CommentLine[] {
  if (message.t !== 'comments') return [];
  const known = new Set(view.comments.map((line) => line.comment));
  return message.comments.filter((line) => !known.has(line.comment));
}

function joined(view: RoomView, message: Snapshot | Resumed): RoomView {
  const samePerson = view.me?.person === message.me.person;
  return {
    ...view,
    me: message.me,
    stock: latest({}, message.stock, saleId),
    viewers: message.viewers,
    likes: message.likes,
    comments: withComments(view.comments, message.comments),
    orders: latest(samePerson ? view.orders : {}, message.orders, orderId),
    // Those that are left come anew.
    grants: latest({}, message.grants, grantId),
    places: {},
    queues: latest({}, message.queues ?? [], saleId),
  };
}

function applyControl(view: RoomView, message: ControlMessage): RoomView {
  if (!view.room || message.offset <= view.offset) return view;
  const next = {
    ...view,
    offset: message.offset,
    room: fold(view.room, message),
    places: withoutEndedLines(view.places, message),
  };
  if (message.t !== 'deleted') return next;
  return { ...next, comments: view.comments.filter((line) => line.comment !== message.comment) };
}

function fold(room: RoomCard, message: ControlMessage): RoomCard {
  switch (message.t) {
    case 'show.started':
      return { ...room, phase: 'live', started_ms: message.at_ms };
    case 'show.ended':
      return ended(room, message.at_ms);
    case 'pinned':
      return { ...room, pins: [message.pin, ...withoutPin(room, message.pin.product.product)] };
    case 'unpinned':
      return { ...room, pins: withoutPin(room, message.product) };
    case 'sale.scheduled':
    case 'sale.opened':
      return withFirstSale(room, message.sale);
    case 'sale.adjusted':
      return withAdjustedSale(room, message.sale);
    case 'sale.drawn':
      return withDraw(room, message.sale, message.draw);
    case 'sold.out':
      return withSalePhase(room, message.sale, 'sold_out');
    case 'restocked':
      return withSalePhase(room, message.sale, 'open');
    case 'sale.closed':
      return withSalePhase(room, message.sale, 'closed');
    case 'coupon.dropped':
      return {
        ...room,
        drops: [message.drop, ...room.drops.filter((drop) => drop.ends_ms > message.at_ms)],
      };
    case 'segment.started':
      return { ...room, segment: message.segment };
    case 'segment.ended':
      return { ...room, segment: null };
    case 'stream.started':
      return { ...room, streams: [...withoutStream(room, message.stream.seat), message.stream] };
    case 'stream.ended':
      return { ...room, streams: withoutStream(room, message.seat) };
    case 'seat.given':
      return { ...room, seats: [...withoutSeat(room, message.seat.seat), message.seat] };
    case 'seat.vacated':
      return { ...room, seats: withoutSeat(room, message.seat) };
    case 'layout':
      return { ...room, layout: message.layout };
    case 'muted':
      return { ...room, muted: withMute(room, message.person, message.until_ms, message.at_ms) };
    case 'deleted':
      return room.pinned_comment?.comment === message.comment
        ? { ...room, pinned_comment: null }
        : room;
    case 'slow.mode':
      return { ...room, slow_seconds: message.seconds };
    case 'review.mode':
      return { ...room, reviewed: message.on };
    case 'comment.pinned':
      return { ...room, pinned_comment: message.comment };
    case 'comment.unpinned':
      return { ...room, pinned_comment: null };
    case 'moderator.appointed':
      return {
        ...room,
        moderators: [...withoutModerator(room, message.moderator.person), message.moderator],
      };
    case 'moderator.dismissed':
      return { ...room, moderators: withoutModerator(room, message.person) };
    default:
      return room;
  }
}

function ended(room: RoomCard, atMs: number): RoomCard {
  return {
    ...room,
    phase: 'ended',
    ended_ms: atMs,
    layout: 'single',
    pins: [],
    sales: room.sales.map((sale) => ({ ...sale, phase: 'closed' })),
    drops: [],
    segment: null,
    streams: [],
    seats: [],
  };
}

function withoutPin(room: RoomCard, product: string): RoomCard['pins'] {
  return room.pins.filter((pin) => pin.product.product !== product);
}

function withoutModerator(room: RoomCard, person: string): PersonCard[] {
  return (room.moderators ?? []).filter((card) => card.person !== person);
}

function withoutSeat(room: RoomCard, seat: string): SeatCard[] {
  return (room.seats ?? []).filter((card) => card.seat !== seat);
}

function withoutStream(room: RoomCard, seat: string): RoomCard['streams'] {
  return room.streams.filter((stream) => stream.seat !== seat);
}

function withFirstSale(room: RoomCard, first: SaleCard): RoomCard {
  const others = room.sales.filter((sale) => sale.phase !== 'closed' && sale.sale !== first.sale);
  return { ...room, sales: [first, ...others] };
}

/** Whether it is open does not change with its terms. */
function withAdjustedSale(room: RoomCard, adjusted: SaleCard): RoomCard {
  const sales = room.sales.map((sale) =>
    sale.sale === adjusted.sale
      ? { ...adjusted, phase: sale.phase, ...(sale.draw && { draw: sale.draw }) }
      : sale,
  );
  return { ...room, sales };
}

function withDraw(room: RoomCard, id: string, draw: DrawCard): RoomCard {
  return {
    ...room,
    sales: room.sales.map((sale) => (sale.sale === id ? { ...sale, draw } : sale)),
  };
}

/** A line ends with its sale; a turn keeps its time. */
function withoutEndedLines(
  places: RoomView['places'],
  message: ControlMessage,
): RoomView['places'] {
  if (message.t !== 'sale.closed' && message.t !== 'show.ended') return places;
  const stays = (place: PlaceCard): boolean =>
    place.state === 'turn' || (message.t === 'sale.closed' && place.sale !== message.sale);
  return Object.fromEntries(Object.entries(places).filter(([, place]) => stays(place)));
}

function withSalePhase(room: RoomCard, id: string, phase: SaleCard['phase']): RoomCard {
  const sales = room.sales.map((sale) =>
    sale.sale === id && sale.phase !== 'closed' ? { ...sale, phase } : sale,
  );
  return { ...room, sales };
}

function withMute(
  room: RoomCard,
  person: string,
  untilMs: number,
  nowMs: number,
): Record<string, number> {
  const others = Object.entries(room.muted).filter(
    ([who, until]) => until > nowMs && who !== person,
  );
  return Object.fromEntries(untilMs ? [...others, [person, untilMs]] : others);
}

function withComments(
  known: readonly CommentLine[],
  added: readonly CommentLine[],
): readonly CommentLine[] {
  const seen = new Set(known.map((line) => line.comment));
  const fresh = added.filter((line) => !seen.has(line.comment));
  return fresh.length ? [...known, ...fresh].slice(-COMMENTS_KEPT) : known;
}

const saleId = (about: { sale: string }): string => about.sale;
const orderId = (order: OrderCard): string => order.order;
const sanctionId = (one: Sanction): string => `${one.kind}:${one.person}`;
const grantId = (grant: GrantCard): string => grant.grant;

/** Versioned records, the highest `v` of each kept. */
function latest<Card extends { v: number }>(
  known: Readonly<Record<string, Card>>,
  added: readonly Card[],
  id: (card: Card) => string,
): Readonly<Record<string, Card>> {
  const next = { ...known };
  for (const card of added) {
    const before = next[id(card)];
    if (!before || card.v > before.v) next[id(card)] = card;
  }
  return next;
}
