"""The rules of one room: (state, command) → events, and (state, event) → state. No I/O.

Law: folding a room's events into any earlier state gives the state that ``fold`` gave when they
were appended, so a client that applied every event holds what a fresh snapshot would show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from livecommerce.errors import Conflict, NotFound
from livecommerce.room import events as ev
from livecommerce.room.cards import (
    CommentLine,
    DrawCard,
    DropCard,
    PersonCard,
    PinCard,
    ProductCard,
    RoomState,
    SaleCard,
    SeatCard,
    SegmentCard,
    StreamCard,
)
from livecommerce.room.events import RoomEvent

Decide = Callable[[RoomState], Sequence[RoomEvent]]
"""A command with its arguments: what should happen to a room in this state."""

MAX_PINS = 3
MAX_SALES = 30
"""Running at once, of each kind: every viewer is told of each of them when joining."""
MAX_MODERATORS = 20
"""Appointed for one room; every viewer is told who they are."""

# ---------------------------------------------------------------- commands: what may happen


def start_show(state: RoomState, now_ms: int) -> tuple[RoomEvent, ...]:
    """Opens the show; starting a running one changes nothing."""
    if state.phase == "live":
        return ()
    _refuse_ended(state)
    return (ev.ShowStarted(at_ms=now_ms),)


def end_show(state: RoomState, now_ms: int) -> tuple[RoomEvent, ...]:
    """Ends the show; an ended one cannot be started again."""
    if state.phase == "ended":
        return ()
    if state.phase != "live":
        raise Conflict("show_not_live")
    return (ev.ShowEnded(at_ms=now_ms),)


def pin(state: RoomState, product: ProductCard, now_ms: int) -> tuple[RoomEvent, ...]:
    """Puts a product in front; at most ``MAX_PINS`` stand there at once."""
    _refuse_ended(state)
    others = [card for card in state.pins if card.product.product != product.product]
    if len(others) >= MAX_PINS:
        raise Conflict("pins_full", max=MAX_PINS)
    return (ev.Pinned(at_ms=now_ms, pin=PinCard(product=product, pinned_ms=now_ms)),)


def unpin(state: RoomState, product: str, now_ms: int) -> tuple[RoomEvent, ...]:
    """Takes a product away; one that is not pinned changes nothing."""
    if all(card.product.product != product for card in state.pins):
        return ()
    return (ev.Unpinned(at_ms=now_ms, product=product),)


def check_sale(state: RoomState, sku: str, kind: str) -> None:
    """Checks that a sale may open or be announced now; its stock and its times are the inventory's."""
    _require_live(state)
    running = [other for other in state.sales if other.phase != "closed" and other.kind == kind]
    if any(other.sku == sku for other in running):
        raise Conflict("sale_running", sku=sku)
    if len(running) >= MAX_SALES:
        raise Conflict("sales_full", max=MAX_SALES)


def find_sale(state: RoomState, sale: str) -> SaleCard:
    """The sale as the room shows it."""
    for card in state.sales:
        if card.sale == sale:
            return card
    raise NotFound("sale_not_found")


def drop_coupon(state: RoomState, drop: DropCard, now_ms: int) -> RoomEvent:
    """Checks that coupons may be dropped now; their budget is the coupons' own."""
    _require_live(state)
    return ev.CouponDropped(at_ms=now_ms, drop=drop)


def start_segment(state: RoomState, segment: SegmentCard, now_ms: int) -> tuple[RoomEvent, ...]:
    """Begins a part of the show, ending the one before."""
    if state.segment is not None and state.segment.segment == segment.segment:
        return ()
    _require_live(state)
    return (*end_segment(state, now_ms), ev.SegmentStarted(at_ms=now_ms, segment=segment))


def end_segment(state: RoomState, now_ms: int) -> tuple[RoomEvent, ...]:
    """Ends the part that is on air, if any."""
    if state.segment is None:
        return ()
    return (ev.SegmentEnded(at_ms=now_ms, segment=state.segment.segment),)


def mute(person: str, seconds: int, now_ms: int) -> tuple[RoomEvent, ...]:
    """Silences a person; 0 seconds lets them speak again."""
    until_ms = now_ms + seconds * 1000 if seconds else 0
    return (ev.Muted(at_ms=now_ms, person=person, until_ms=until_ms),)


def delete_comment(comment: str, now_ms: int) -> tuple[RoomEvent, ...]:
    """Takes a comment back for everyone."""
    return (ev.Deleted(at_ms=now_ms, comment=comment),)


def slow_down(state: RoomState, seconds: int, now_ms: int) -> tuple[RoomEvent, ...]:
    """Sets how long each person waits between two comments; 0 ends it."""
    return () if seconds == state.slow_seconds else (ev.SlowMode(at_ms=now_ms, seconds=seconds),)


def review_comments(state: RoomState, on: bool, now_ms: int) -> tuple[RoomEvent, ...]:
    """Lets comments wait for a moderator, or no longer."""
    return () if on == state.reviewed else (ev.ReviewMode(at_ms=now_ms, on=on),)


def pin_comment(state: RoomState, line: CommentLine, now_ms: int) -> tuple[RoomEvent, ...]:
    """Keeps a comment above the others."""
    pinned = state.pinned_comment
    if pinned is not None and pinned.comment == line.comment:
        return ()
    return (ev.CommentPinned(at_ms=now_ms, comment=line),)


def unpin_comment(state: RoomState, now_ms: int) -> tuple[RoomEvent, ...]:
    """Lets the pinned comment go; without one nothing changes."""
    return () if state.pinned_comment is None else (ev.CommentUnpinned(at_ms=now_ms),)


def appoint_moderator(state: RoomState, person: str, name: str, now_ms: int) -> tuple[RoomEvent, ...]:
    """Lets a person moderate this room."""
    if person == state.host.person or is_appointed(state, person):
        return ()
    if len(state.moderators) >= MAX_MODERATORS:
        raise Conflict("moderators_full", max=MAX_MODERATORS)
    card = PersonCard(person=person, name=name, role="moderator")
    return (ev.ModeratorAppointed(at_ms=now_ms, moderator=card),)


def dismiss_moderator(state: RoomState, person: str, now_ms: int) -> tuple[RoomEvent, ...]:
    """Ends that; somebody who was not appointed changes nothing."""
    return (ev.ModeratorDismissed(at_ms=now_ms, person=person),) if is_appointed(state, person) else ()


def is_appointed(state: RoomState, person: str) -> bool:
    """Whether the host asked a person to moderate this room."""
    return any(card.person == person for card in state.moderators)


def _require_live(state: RoomState) -> None:
    if state.phase != "live":
        raise Conflict("show_not_live")


def _refuse_ended(state: RoomState) -> None:
    if state.phase == "ended":
        raise Conflict("show_ended")


# ---------------------------------------------------------------- events: what has happened


def fold(state: RoomState, events: Iterable[RoomEvent]) -> RoomState:
    """The state after some more events."""
    for event in events:
        state = apply(state, event)
    return state


def apply(state: RoomState, event: RoomEvent) -> RoomState:
    """The state after one more event."""
    match event:
        case ev.ShowStarted(at_ms=at_ms):
            return replace(state, phase="live", started_ms=at_ms)
        case ev.ShowEnded(at_ms=at_ms):
            return _ended(state, at_ms)
        case ev.Pinned(pin=card):
            return replace(state, pins=(card, *_without_pin(state, card.product.product)))
        case ev.Unpinned(product=product):
            return replace(state, pins=_without_pin(state, product))
        case ev.SaleScheduled(sale=sale) | ev.SaleOpened(sale=sale):
            return _with_first_sale(state, sale)
        case ev.SaleAdjusted(sale=sale):
            return _with_sale(state, sale)
        case ev.SaleDrawn(sale=sale, draw=draw):
            return _with_draw(state, sale, draw)
        case ev.SoldOut(sale=sale):
            return _with_sale_phase(state, sale, "sold_out")
        case ev.Restocked(sale=sale):
            return _with_sale_phase(state, sale, "open")
        case ev.SaleClosed(sale=sale):
            return _with_sale_phase(state, sale, "closed")
        case ev.CouponDropped(drop=drop):
            running = (card for card in state.drops if card.ends_ms > event.at_ms)
            return replace(state, drops=(drop, *running))
        case ev.SegmentStarted(segment=segment):
            return replace(state, segment=segment)
        case ev.SegmentEnded():
            return replace(state, segment=None)
        case ev.StreamStarted(stream=stream):
            return replace(state, streams=(*_without_stream(state, stream.seat), stream))
        case ev.StreamEnded(seat=seat):
            return replace(state, streams=_without_stream(state, seat))
        case ev.SeatGiven(seat=card):
            return replace(state, seats=(*_without_seat(state, card.seat), card))
        case ev.SeatVacated(seat=seat):
            return replace(state, seats=_without_seat(state, seat))
        case ev.Layout(layout=layout):
            return replace(state, layout=layout)
        case ev.Muted(person=person, until_ms=until_ms):
            return _with_mute(state, person, until_ms, event.at_ms)
        case ev.Deleted(comment=comment):
            pinned = state.pinned_comment
            gone = pinned is not None and pinned.comment == comment
            return replace(state, pinned_comment=None) if gone else state
        case ev.SlowMode(seconds=seconds):
            return replace(state, slow_seconds=seconds)
        case ev.ReviewMode(on=on):
            return replace(state, reviewed=on)
        case ev.CommentPinned(comment=line):
            return replace(state, pinned_comment=line)
        case ev.CommentUnpinned():
            return replace(state, pinned_comment=None)
        case ev.ModeratorAppointed(moderator=card):
            return replace(state, moderators=(*_without_moderator(state, card.person), card))
        case ev.ModeratorDismissed(person=person):
            return replace(state, moderators=_without_moderator(state, person))


def _ended(state: RoomState, at_ms: int) -> RoomState:
    closed = tuple(replace(sale, phase="closed") for sale in state.sales)
    return replace(
        state,
        phase="ended",
        ended_ms=at_ms,
        layout="single",
        pins=(),
        sales=closed,
        drops=(),
        segment=None,
        streams=(),
        seats=(),
    )


def _without_pin(state: RoomState, product: str) -> tuple[PinCard, ...]:
    return tuple(card for card in state.pins if card.product.product != product)


def _without_stream(state: RoomState, seat: str) -> tuple[StreamCard, ...]:
    return tuple(card for card in state.streams if card.seat != seat)


def _without_seat(state: RoomState, seat: str) -> tuple[SeatCard, ...]:
    return tuple(card for card in state.seats if card.seat != seat)


def _without_moderator(state: RoomState, person: str) -> tuple[PersonCard, ...]:
    return tuple(card for card in state.moderators if card.person != person)


def _with_first_sale(state: RoomState, sale: SaleCard) -> RoomState:
    others = (card for card in state.sales if card.phase != "closed" and card.sale != sale.sale)
    return replace(state, sales=(sale, *others))


def _with_sale(state: RoomState, sale: SaleCard) -> RoomState:
    return replace(
        state,
        sales=tuple(
            replace(sale, phase=card.phase, draw=card.draw) if card.sale == sale.sale else card
            for card in state.sales
        ),
    )


def _with_draw(state: RoomState, sale: str, draw: DrawCard) -> RoomState:
    sales = (replace(card, draw=draw) if card.sale == sale else card for card in state.sales)
    return replace(state, sales=tuple(sales))


def _with_sale_phase(state: RoomState, sale: str, phase: str) -> RoomState:
    return replace(
        state,
        sales=tuple(
            replace(card, phase=phase) if card.sale == sale and card.phase != "closed" else card
            for card in state.sales
        ),
    )


def _with_mute(state: RoomState, person: str, until_ms: int, now_ms: int) -> RoomState:
    muted = {who: until for who, until in state.muted.items() if until > now_ms and who != person}
    if until_ms:
        muted[person] = until_ms
    return replace(state, muted=muted)
