"""A segment: a part of a show that belongs to a brand, from the request to the last minute on air."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from livecommerce.errors import Conflict, Invalid
from livecommerce.ids import PersonId, ProductId, RoomId, SegmentId, ShopId
from livecommerce.localized import LocalText
from livecommerce.money import PPM

KINDS = ("brand", "mix", "celebrity")
SHORTEST_MS = 10_000
MAX_PRODUCTS = 10
MAX_NOTE = 500

NEXT = {
    ("requested", "accept"): "confirmed",
    ("requested", "decline"): "declined",
    ("requested", "cancel"): "canceled",
    ("confirmed", "cancel"): "canceled",
    ("confirmed", "air"): "on_air",
    ("on_air", "finish"): "done",
}
"""(state, action) → the state after it."""

BOOKED = ("confirmed", "on_air")
"""States in which a segment keeps others away."""


class Segment(Struct, frozen=True, kw_only=True):
    """A brand's part of a show."""

    segment: SegmentId
    room: RoomId
    brand: ShopId
    kind: str
    state: str
    title: LocalText
    starts_ms: int
    """Where it stands now: an overrun before it moves it."""
    ends_ms: int
    commission_ppm: int
    """The share of the fee base that the brand leaves to the show's shop."""
    products: tuple[ProductId, ...]
    """In the order in which they are shown."""
    note: str
    reason: str
    """Why it was declined or canceled."""
    requested_by: PersonId
    created_ms: int
    version: int = 1

    @property
    def length_ms(self) -> int:
        """How long it is on air."""
        return self.ends_ms - self.starts_ms

    def overlaps(self, other: Segment) -> bool:
        """Whether there is a moment in both; one may begin as the other ends."""
        return self.starts_ms < other.ends_ms and other.starts_ms < self.ends_ms

    def can(self, action: str) -> bool:
        """Whether its state allows an action."""
        return (self.state, action) in NEXT


def check_request(segment: Segment, most_ppm: int) -> None:
    """Refuses a request that is wrong whatever the schedule holds.

    ``most_ppm`` is the commission that the other shares of an order leave room for.

    Raises:
        Invalid: ``bad_segment`` with the field, or ``commission_too_high`` with whole percents.
    """
    wrong = {
        "kind": segment.kind not in KINDS,
        "ends_ms": segment.length_ms < SHORTEST_MS,
        "products": not 1 <= len(set(segment.products)) == len(segment.products) <= MAX_PRODUCTS,
        "commission_ppm": not 0 <= segment.commission_ppm <= PPM,
        "note": len(segment.note) > MAX_NOTE,
    }
    for field, is_wrong in wrong.items():
        if is_wrong:
            raise Invalid("bad_segment", field=field)
    if segment.commission_ppm > most_ppm:
        raise Invalid("commission_too_high", max=most_ppm * 100 // PPM)


def turn(segment: Segment, action: str, reason: str = "") -> Segment:
    """The segment after an action.

    Raises:
        Conflict: ``segment_state``: its state does not allow the action.
    """
    after = NEXT.get((segment.state, action))
    if after is None:
        raise Conflict("segment_state", state=segment.state, action=action)
    return replace(segment, state=after, reason=reason, version=segment.version + 1)


def move(segment: Segment, by_ms: int) -> Segment:
    """The segment at another time, as long as before."""
    return replace(
        segment,
        starts_ms=segment.starts_ms + by_ms,
        ends_ms=segment.ends_ms + by_ms,
        version=segment.version + 1,
    )


def put_on_air(segment: Segment, starts_ms: int, ends_ms: int) -> Segment:
    """The segment from the moment in which it really began."""
    return replace(turn(segment, "air"), starts_ms=starts_ms, ends_ms=ends_ms)


def extend(segment: Segment, by_ms: int) -> Segment:
    """The segment with more time than was agreed.

    Raises:
        Conflict: ``segment_state``: it is not on air.
    """
    if segment.state != "on_air":
        raise Conflict("segment_state", state=segment.state, action="extend")
    return replace(segment, ends_ms=segment.ends_ms + by_ms, version=segment.version + 1)


def closed_with_show(segment: Segment) -> Sequence[Segment]:
    """What the end of its show makes of a segment, if anything."""
    if segment.can("finish"):
        return [turn(segment, "finish")]
    return [turn(segment, "cancel", "show_ended")] if segment.can("cancel") else []


def pushed(segments: Iterable[Segment], busy_until_ms: int) -> Sequence[Segment]:
    """The confirmed segments that an overrun moves, at their new times.

    Each keeps its length and begins when the one before it ends, never earlier than it stood.
    """
    moved = []
    for segment in sorted(segments, key=lambda one: (one.starts_ms, one.segment)):
        if segment.state != "confirmed":
            continue
        late_ms = busy_until_ms - segment.starts_ms
        if late_ms > 0:
            segment = move(segment, late_ms)
            moved.append(segment)
        busy_until_ms = segment.ends_ms
    return moved
