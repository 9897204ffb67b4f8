"""The run of show: what the plan, the room and the clock demand now. Pure; the worker carries it out.

The plan must be read before the room: a segment that the plan calls on air has been in the room, so if
the room does not show it any more, it is over.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from livecommerce.room import room as rules
from livecommerce.room import stage
from livecommerce.room.cards import PersonCard, ProductCard, RoomState, SegmentCard
from livecommerce.room.events import RoomEvent, SegmentStarted
from livecommerce.schedule.segment import Segment

ON_TIME_MS = 5_000
"""A segment that begins at most this late keeps its planned times; a later one keeps its length."""


class PutOnAir(Struct, frozen=True, kw_only=True):
    """Show a segment in the room, and take the one before it off."""

    segment: Segment
    starts_ms: int
    ends_ms: int
    leaving: Segment | None = None


class TakeOff(Struct, frozen=True, kw_only=True):
    """End a segment in the room."""

    segment: Segment


class Retime(Struct, frozen=True, kw_only=True):
    """Tell the room of a segment's new end."""

    segment: Segment


class NoteOnAir(Struct, frozen=True, kw_only=True):
    """Write into the plan that a segment began."""

    segment: Segment
    starts_ms: int
    ends_ms: int


class NoteDone(Struct, frozen=True, kw_only=True):
    """Write into the plan that a segment is over."""

    segment: Segment


Command = PutOnAir | TakeOff | Retime | NoteOnAir | NoteDone


def due(segments: Sequence[Segment], state: RoomState, now_ms: int) -> list[Command]:
    """What must happen now, in order; read plan and room again before asking for more."""
    notes = _notes(segments, state)
    if notes or state.phase != "live":
        return notes
    on_air = next((one for one in segments if _is_shown(one, state)), None)
    if state.segment is not None:
        if on_air is None:
            return []
        if now_ms < on_air.ends_ms:
            return [Retime(segment=on_air)] if state.segment.ends_ms != on_air.ends_ms else []
    waiting = [one for one in segments if one.state == "confirmed" and one.starts_ms <= now_ms]
    if waiting:
        return [_put_on_air(min(waiting, key=lambda one: (one.starts_ms, one.segment)), on_air, now_ms)]
    return [TakeOff(segment=on_air)] if on_air is not None else []


def put_on_air(
    state: RoomState,
    card: SegmentCard,
    shown: Sequence[ProductCard],
    guest: PersonCard | None,
    leaving: Segment | None,
    now_ms: int,
) -> Sequence[RoomEvent]:
    """Begins a segment in the room: the one before leaves with its products and its guest, then its own come.

    Pins make place, the oldest first; of more products than there are pins the first ones are shown, the
    first of all in front. The guest gets a seat where one is free. A segment that is in the room already
    changes nothing.
    """
    started = rules.start_segment(state, card, now_ms)
    if not started:
        return ()
    shown = shown[: rules.MAX_PINS]
    stays = {product.product for product in shown}
    events = [*started]
    if leaving is not None:
        events += _unpin(state, [product for product in leaving.products if product not in stays], now_ms)
        if guest is None or guest.person != leaving.requested_by:
            events += _see_off(state, leaving, now_ms)
    for product in reversed(shown):
        events += _pin(rules.fold(state, events), product, stays, now_ms)
    return [*events, *_welcome(rules.fold(state, events), guest, now_ms)]


def take_off(state: RoomState, segment: Segment, now_ms: int) -> Sequence[RoomEvent]:
    """Ends a segment with its pins and its guest's seat; one that is not in the room changes nothing."""
    if not _is_shown(segment, state):
        return ()
    return [
        *rules.end_segment(state, now_ms),
        *_unpin(state, segment.products, now_ms),
        *_see_off(state, segment, now_ms),
    ]


def retime(state: RoomState, segment: Segment, now_ms: int) -> Sequence[RoomEvent]:
    """Shows a segment's new end."""
    shown = state.segment
    if shown is None or shown.segment != segment.segment or shown.ends_ms == segment.ends_ms:
        return ()
    return [SegmentStarted(at_ms=now_ms, segment=replace(shown, ends_ms=segment.ends_ms))]


def _notes(segments: Sequence[Segment], state: RoomState) -> list[Command]:
    notes: list[Command] = []
    for one in segments:
        if one.state == "on_air" and not _is_shown(one, state):
            notes.append(NoteDone(segment=one))
        elif one.state == "confirmed" and state.segment is not None and _is_shown(one, state):
            shown = state.segment
            notes.append(NoteOnAir(segment=one, starts_ms=shown.starts_ms, ends_ms=shown.ends_ms))
    return notes


def _is_shown(segment: Segment, state: RoomState) -> bool:
    return state.segment is not None and state.segment.segment == segment.segment


def _put_on_air(segment: Segment, leaving: Segment | None, now_ms: int) -> PutOnAir:
    on_time = now_ms - segment.starts_ms <= ON_TIME_MS
    starts_ms = segment.starts_ms if on_time else now_ms
    return PutOnAir(
        segment=segment, starts_ms=starts_ms, ends_ms=starts_ms + segment.length_ms, leaving=leaving
    )


def _pin(state: RoomState, product: ProductCard, stays: set[str], now_ms: int) -> Sequence[RoomEvent]:
    others = [card.product.product for card in state.pins if card.product.product != product.product]
    dispensable = [other for other in reversed(others) if other not in stays]
    too_many = max(0, len(others) - rules.MAX_PINS + 1)
    events = _unpin(state, dispensable[:too_many], now_ms)
    return [*events, *rules.pin(rules.fold(state, events), product, now_ms)]


def _welcome(state: RoomState, guest: PersonCard | None, now_ms: int) -> Sequence[RoomEvent]:
    if guest is None or len(state.seats) == stage.MAX_GUESTS:
        return ()
    return stage.give_seat(state, guest, now_ms)


def _see_off(state: RoomState, segment: Segment, now_ms: int) -> Sequence[RoomEvent]:
    seat = stage.seat_of(state, segment.requested_by)
    return () if seat is None else stage.vacate_seat(state, seat, now_ms)


def _unpin(state: RoomState, products: Sequence[str], now_ms: int) -> list[RoomEvent]:
    return [event for product in products for event in rules.unpin(state, product, now_ms)]
