import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apply, COMMENTS_KEPT, leavesGap, newComments, nothingYet, type RoomView } from './state';
import { comment, grant, order, product, roomCard, sale, snapshot, viewer } from './testing/room';
import type { ControlMessage, PlaceCard, ServerMessage, StockCount } from './wire';

const joined = apply(nothingYet, snapshot());

function applyAll(view: RoomView, messages: ServerMessage[]): RoomView {
  return messages.reduce(apply, view);
}

type Change = ControlMessage extends infer Each
  ? Each extends ControlMessage
    ? Omit<Each, 'offset' | 'at_ms'>
    : never
  : never;

const products = fc.constantFrom('umbrella', 'teapot', 'tea');
const sales = fc.constantFrom('s1', 's2', 's3');
const seats = fc.constantFrom('host', 'guest');
const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.constant<Change>({ t: 'show.started' }),
  fc.constant<Change>({ t: 'show.ended' }),
  products.map((id): Change => ({ t: 'pinned', pin: { product: product(id), pinned_ms: 1 } })),
  products.map((id): Change => ({ t: 'unpinned', product: id })),
  sales.map((id): Change => ({ t: 'sale.scheduled', sale: sale(id, { phase: 'scheduled' }) })),
  sales.map((id): Change => ({ t: 'sale.opened', sale: sale(id) })),
  sales.map((id): Change => ({ t: 'sale.adjusted', sale: sale(id, { price_minor: 1 }) })),
  sales.map((id): Change => ({
    t: 'sale.drawn',
    sale: id,
    draw: { seed: 's', digest: 'd', units: 1, entrants: 2, winners: 1 },
  })),
  sales.map((id): Change => ({ t: 'sold.out', sale: id })),
  sales.map((id): Change => ({ t: 'restocked', sale: id })),
  sales.map((id): Change => ({ t: 'sale.closed', sale: id })),
  seats.map((seat): Change => ({
    t: 'stream.started',
    stream: { seat, stream: 'x', since_ms: 1 },
  })),
  seats.map((seat): Change => ({ t: 'stream.ended', seat })),
  fc.constant<Change>({ t: 'muted', person: 'p1', until_ms: 99_000 }),
  seats.map((seat): Change => ({ t: 'seat.given', seat: { seat, person: viewer } })),
  seats.map((seat): Change => ({ t: 'seat.vacated', seat })),
  fc.constant<Change>({ t: 'layout', layout: 'side-by-side' }),
  fc.constantFrom(0, 5).map((seconds): Change => ({ t: 'slow.mode', seconds })),
  fc.boolean().map((on): Change => ({ t: 'review.mode', on })),
  fc.constantFrom('c1', 'c2').map((id): Change => ({ t: 'comment.pinned', comment: comment(id) })),
  fc.constantFrom('c1', 'c2').map((id): Change => ({ t: 'deleted', comment: id })),
  fc.constant<Change>({ t: 'comment.unpinned' }),
  fc.constant<Change>({ t: 'moderator.appointed', moderator: { ...viewer, role: 'moderator' } }),
  fc.constant<Change>({ t: 'moderator.dismissed', person: viewer.person }),
);
const histories = fc
  .array(changes, { maxLength: 40 })
  .map((list) =>
    list.map((change, index) => ({ ...change, offset: index + 1, at_ms: index }) as ControlMessage),
  );

describe('control messages', () => {
  test('an earlier snapshot and what came since show the same room as a later snapshot', () => {
    fc.assert(
      fc.property(histories, fc.nat(40), (history, cut) => {
        const fresh = applyAll(joined, history);
        const early = applyAll(joined, history.slice(0, cut));
        const lateJoin = apply(
          nothingYet,
          snapshot({ offset: early.offset, room: early.room ?? roomCard() }),
        );
        expect(applyAll(lateJoin, history.slice(cut)).room).toEqual(fresh.room);
      }),
    );
  });

  test('hearing some of them again changes nothing', () => {
    fc.assert(
      fc.property(histories, fc.nat(40), (history, cut) => {
        const view = applyAll(joined, history);
        expect(applyAll(view, history.slice(0, cut))).toEqual(view);
      }),
    );
  });

  test('resuming applies what was missed in the same frame', () => {
    fc.assert(
      fc.property(histories, fc.nat(40), (history, cut) => {
        const before = applyAll(joined, history.slice(0, cut));
        const answer = snapshot({ offset: history.length });
        const after = applyAll(before, [{ ...answer, t: 'resumed' }, ...history.slice(cut)]);
        expect(after.room).toEqual(applyAll(joined, history).room);
        expect(after.offset).toBe(history.length);
      }),
    );
  });

  test('a missing one is noticed', () => {
    const third: ControlMessage = { t: 'show.started', offset: 3, at_ms: 0 };
    expect(leavesGap(joined, third)).toBe(true);
    expect(leavesGap({ ...joined, offset: 2 }, third)).toBe(false);
  });

  test('a pin goes to the head, replacing itself', () => {
    const pinned = (offset: number, id: string): ControlMessage => ({
      t: 'pinned',
      offset,
      at_ms: 0,
      pin: { product: product(id), pinned_ms: offset },
    });
    const view = applyAll(joined, [pinned(1, 'tea'), pinned(2, 'teapot'), pinned(3, 'tea')]);
    expect(view.room?.pins.map((pin) => pin.product.product)).toEqual(['tea', 'teapot']);
  });

  test('closed sales leave when the next one opens', () => {
    const view = applyAll(joined, [
      { t: 'sale.opened', offset: 1, at_ms: 0, sale: sale('s1') },
      { t: 'sale.closed', offset: 2, at_ms: 0, sale: 's1' },
      { t: 'sale.opened', offset: 3, at_ms: 0, sale: sale('s2') },
    ]);
    expect(view.room?.sales.map((card) => card.sale)).toEqual(['s2']);
  });

  test('a scheduled sale is there until it opens, and then there once', () => {
    const view = applyAll(joined, [
      { t: 'sale.scheduled', offset: 1, at_ms: 0, sale: sale('s1', { phase: 'scheduled' }) },
      { t: 'sale.opened', offset: 2, at_ms: 0, sale: sale('s2') },
      { t: 'sale.opened', offset: 3, at_ms: 0, sale: sale('s1') },
    ]);
    expect(view.room?.sales.map((card) => [card.sale, card.phase])).toEqual([
      ['s1', 'open'],
      ['s2', 'open'],
    ]);
  });

  test('an adjusted sale has new terms, and is as open as it was', () => {
    const room = roomCard({ sales: [sale('sale1', { phase: 'sold_out' }), sale('sale2')] });
    const adjusted = sale('sale1', { version: 2, price_minor: 2990 });
    const view = apply(apply(nothingYet, snapshot({ room })), {
      t: 'sale.adjusted',
      sale: adjusted,
      offset: 1,
      at_ms: 1,
    });
    expect(view.room?.sales).toEqual([{ ...adjusted, phase: 'sold_out' }, sale('sale2')]);
  });

  test('a deleted comment disappears', () => {
    const view = applyAll(joined, [
      { t: 'comments', comments: [comment('a'), comment('b')] },
      { t: 'deleted', offset: 1, at_ms: 0, comment: 'a' },
    ]);
    expect(view.comments.map((line) => line.comment)).toEqual(['b']);
  });
});

describe('versioned records', () => {
  test('arrive in any order; the highest version stays', () => {
    const versions = fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 1 });
    fc.assert(
      fc.property(versions, (list) => {
        const counts = list.map((v): StockCount => ({
          sale: 's1',
          v,
          available: v,
          held: 0,
          sold: 0,
        }));
        const view = applyAll(joined, [
          ...list.map((v): ServerMessage => ({ t: 'order', order: order(v) })),
          ...list.map((v): ServerMessage => ({ t: 'grant', grant: grant(v) })),
          ...counts.map((count): ServerMessage => ({ t: 'stock', stock: [count] })),
        ]);
        const highest = Math.max(...list);
        expect([view.orders['o1']?.v, view.grants['g1']?.v, view.stock['s1']?.v]).toEqual([
          highest,
          highest,
          highest,
        ]);
      }),
    );
  });

  test('the answer to a purchase is an order too', () => {
    expect(apply(joined, { t: 'ok', id: 1, order: order(1) }).orders['o1']?.state).toBe('held');
  });

  test('an order that was paid stays in view over a reconnect', () => {
    const paid = apply(joined, { t: 'order', order: order(3, { state: 'sold' }) });
    expect(apply(paid, snapshot({ offset: 9 })).orders['o1']?.state).toBe('sold');
  });

  test('a coupon that was used elsewhere meanwhile is not kept over a reconnect', () => {
    const granted = apply(joined, { t: 'grant', grant: grant(1) });
    expect(apply(granted, snapshot({ offset: 9 })).grants).toEqual({});
  });

  test('another person does not see the orders of the one before', () => {
    const bought = apply(joined, { t: 'order', order: order(1) });
    const other = apply(bought, snapshot({ me: { ...viewer, person: 'p2' } }));
    expect(other.orders).toEqual({});
  });
});

describe('places in lines', () => {
  const place = (v: number, change: Partial<PlaceCard> = {}): PlaceCard => ({
    sale: 'sale1',
    v,
    state: 'waiting',
    qty: 1,
    ticket: 5,
    ahead: 2,
    ends_ms: 0,
    entry: 'e1',
    ...change,
  });
  const waiting = apply(joined, { t: 'place', place: place(3) });

  test('the newest version of a place stays, also where an answer brings it', () => {
    const turn = apply(waiting, { t: 'ok', id: 1, place: place(4, { state: 'turn' }) });
    expect(apply(turn, { t: 'place', place: place(3) }).places.sale1?.state).toBe('turn');
  });

  test('what was known of places and lines is forgotten at a join', () => {
    const view = apply(waiting, {
      t: 'queue',
      queues: [{ sale: 'sale1', v: 3, waiting: 3, head: 3 }],
    });
    const again = apply(view, snapshot());
    expect([again.places, again.queues]).toEqual([{}, {}]);
  });

  test('a line ends with its sale, and a turn keeps its time', () => {
    const turn = apply(waiting, { t: 'place', place: place(4, { sale: 's2', state: 'turn' }) });
    const closed = applyAll(turn, [
      { t: 'sale.closed', sale: 'sale1', offset: joined.offset + 1, at_ms: 1 },
      { t: 'sale.closed', sale: 's2', offset: joined.offset + 2, at_ms: 1 },
    ]);
    expect(Object.keys(closed.places)).toEqual(['s2']);
    const ended = apply(turn, { t: 'show.ended', offset: joined.offset + 1, at_ms: 1 });
    expect(Object.keys(ended.places)).toEqual(['s2']);
  });
});

describe('comments', () => {
  test('are shown once, however often they are heard', () => {
    const heard: ServerMessage = { t: 'comments', comments: [comment('a'), comment('b')] };
    const view = apply(joined, heard);
    expect(newComments(view, { ...heard, comments: [comment('b'), comment('c')] })).toEqual([
      comment('c'),
    ]);
    expect(apply(view, heard).comments).toHaveLength(2);
  });

  test('the oldest make room', () => {
    const many = Array.from({ length: COMMENTS_KEPT + 5 }, (_, index) => comment(`c${index}`));
    const view = apply(joined, { t: 'comments', comments: many });
    expect(view.comments).toHaveLength(COMMENTS_KEPT);
    expect(view.comments[0]?.comment).toBe('c5');
  });
});

test('messages of a later vocabulary are ignored', () => {
  expect(apply(joined, { t: 'raffle.drawn' } as unknown as ServerMessage)).toBe(joined);
});

describe('the desk of those who moderate', () => {
  const held: ServerMessage = { t: 'held', comments: [comment('h1'), comment('h2')] };

  test('keeps what waits until somebody has decided, and takes over the list of a new join', () => {
    const view = applyAll(joined, [held, held, { t: 'reviewed', comment: 'h1' }]);
    expect(view.desk.held.map((line) => line.comment)).toEqual(['h2']);
    const again = apply(view, { t: 'moderation', held: [], sanctions: [] });
    expect(again.desk.held).toEqual([]);
  });

  test('shows shadowed comments among the others, marked', () => {
    const view = apply(joined, { t: 'shadowed', comments: [comment('s1')] });
    expect(view.comments.at(-1)?.comment).toBe('s1');
    expect(view.desk.shadowed.has('s1')).toBe(true);
  });

  test('an older word on a sanction changes nothing', () => {
    const ban = { kind: 'ban', person: 'p9', name: 'Lin', until_ms: 99, v: 4 } as const;
    const view = applyAll(joined, [
      { t: 'sanctioned', sanction: ban },
      { t: 'sanctioned', sanction: { ...ban, until_ms: 0, v: 3 } },
    ]);
    expect(view.desk.sanctions['ban:p9']).toEqual(ban);
  });
});
