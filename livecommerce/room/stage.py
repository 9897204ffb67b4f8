"""Who is in the picture: the streams that are on, guests' seats, and how the pictures are arranged.

A guest who has a seat is behind the scenes while the layout is ``single``: host and guests see each other,
viewers see the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from livecommerce.errors import Conflict, NotFound
from livecommerce.room import events as ev
from livecommerce.room.cards import PersonCard, RoomState, SeatCard, StreamCard
from livecommerce.room.events import RoomEvent

HOST_SEAT = "host"
MAX_GUESTS = 8
SINGLE = "single"
LAYOUTS = (SINGLE, "side-by-side", "picture-in-picture")

EndPictures = Callable[[str, str], None]
"""Ends what is published on a seat of a room, or with an empty seat on all of them; soon, not at once.

Whoever appends the end of a seat or a show calls it then. What is lost in between, the next report of the
picture is answered with.
"""


def show_stream(state: RoomState, stream: StreamCard, now_ms: int) -> tuple[RoomEvent, ...]:
    """A seat's picture came on, stalled or recovered; nobody's seat and a show that is over show none."""
    if stream in state.streams or state.phase == "ended" or not is_held(state, stream.seat):
        return ()
    return (ev.StreamStarted(at_ms=now_ms, stream=stream),)


def hide_stream(state: RoomState, seat: str, stream: str, now_ms: int) -> tuple[RoomEvent, ...]:
    """A seat's picture went off; a late word about a replaced stream changes nothing."""
    if any(card.seat == seat and card.stream == stream for card in state.streams):
        return (ev.StreamEnded(at_ms=now_ms, seat=seat),)
    return ()


def give_seat(state: RoomState, person: PersonCard, now_ms: int) -> tuple[RoomEvent, ...]:
    """Gives a guest the first free seat; the host and who has one already need none."""
    if state.phase == "ended":
        raise Conflict("show_ended")
    if person.person == state.host.person or seat_of(state, person.person) is not None:
        return ()
    taken = {card.seat for card in state.seats}
    free = next((seat for seat in _guest_seats() if seat not in taken), None)
    if free is None:
        raise Conflict("seats_full", max=MAX_GUESTS)
    return (ev.SeatGiven(at_ms=now_ms, seat=SeatCard(seat=free, person=person)),)


def vacate_seat(state: RoomState, seat: str, now_ms: int) -> tuple[RoomEvent, ...]:
    """Takes a seat back with its picture; after the last guest the host is alone in the picture again."""
    if all(card.seat != seat for card in state.seats):
        return ()
    events: list[RoomEvent] = []
    if any(card.seat == seat for card in state.streams):
        events.append(ev.StreamEnded(at_ms=now_ms, seat=seat))
    events.append(ev.SeatVacated(at_ms=now_ms, seat=seat))
    if len(state.seats) == 1 and state.layout != SINGLE:
        events.append(ev.Layout(at_ms=now_ms, layout=SINGLE))
    return tuple(events)


def vacated(events: Iterable[RoomEvent]) -> list[str]:
    """The seats that were taken back by these events: their pictures are to end."""
    return [event.seat for event in events if isinstance(event, ev.SeatVacated)]


def seat_of(state: RoomState, person: str) -> str | None:
    """The guest's seat of a person, if they have one."""
    return next((card.seat for card in state.seats if card.person.person == person), None)


def arrange(state: RoomState, layout: str, now_ms: int) -> tuple[RoomEvent, ...]:
    """Arranges the pictures."""
    if layout not in LAYOUTS:
        raise NotFound("layout_unknown", layout=layout)
    return () if layout == state.layout else (ev.Layout(at_ms=now_ms, layout=layout),)


def is_held(state: RoomState, seat: str) -> bool:
    """Whether somebody may send a picture from a seat."""
    return seat == HOST_SEAT or any(card.seat == seat for card in state.seats)


def holds(state: RoomState, seat: str, person: str) -> bool:
    """Whether a seat is this person's now; an old key to it may be somebody else's."""
    return person == state.host.person if seat == HOST_SEAT else seat_of(state, person) == seat


def _guest_seats() -> tuple[str, ...]:
    return tuple(f"guest-{number}" for number in range(1, MAX_GUESTS + 1))
