"""What happened in a room: its log, and the control lane of the socket, event for event."""

from __future__ import annotations

from msgspec import Struct

from livecommerce.room.cards import (
    CommentLine,
    DrawCard,
    DropCard,
    PersonCard,
    PinCard,
    SaleCard,
    SeatCard,
    SegmentCard,
    StreamCard,
)


class Event(Struct, frozen=True, kw_only=True, tag_field="t"):
    """A change of a room's control state: ordered, gap-free."""

    at_ms: int
    offset: int = 0
    """Position in the room's log, from 1; given by the log when the event is appended."""


class ShowStarted(Event, frozen=True, kw_only=True, tag="show.started"):
    """The show is on."""


class ShowEnded(Event, frozen=True, kw_only=True, tag="show.ended"):
    """The show is over."""


class Pinned(Event, frozen=True, kw_only=True, tag="pinned"):
    """A product was put in front; it goes to the head of ``pins``, replacing itself."""

    pin: PinCard


class Unpinned(Event, frozen=True, kw_only=True, tag="unpinned"):
    """A product was taken away."""

    product: str


class SaleScheduled(Event, frozen=True, kw_only=True, tag="sale.scheduled"):
    """A sale was announced that opens later; it goes to the head of ``sales``."""

    sale: SaleCard


class SaleOpened(Event, frozen=True, kw_only=True, tag="sale.opened"):
    """A sale opened; it goes to the head of ``sales``, replacing itself."""

    sale: SaleCard


class SaleAdjusted(Event, frozen=True, kw_only=True, tag="sale.adjusted"):
    """A sale's terms changed: it is replaced where it stands; its phase stays."""

    sale: SaleCard


class SaleDrawn(Event, frozen=True, kw_only=True, tag="sale.drawn"):
    """The units of a sale were drawn for: its card gets the result."""

    sale: str
    draw: DrawCard


class SoldOut(Event, frozen=True, kw_only=True, tag="sold.out"):
    """The last unit is held or sold."""

    sale: str


class Restocked(Event, frozen=True, kw_only=True, tag="restocked"):
    """Units came back after ``sold.out``: the sale is open again."""

    sale: str


class SaleClosed(Event, frozen=True, kw_only=True, tag="sale.closed"):
    """A sale closed."""

    sale: str


class CouponDropped(Event, frozen=True, kw_only=True, tag="coupon.dropped"):
    """Coupons are on offer."""

    drop: DropCard


class SegmentStarted(Event, frozen=True, kw_only=True, tag="segment.started"):
    """A part of the show began."""

    segment: SegmentCard


class SegmentEnded(Event, frozen=True, kw_only=True, tag="segment.ended"):
    """A part of the show is over."""

    segment: str


class StreamStarted(Event, frozen=True, kw_only=True, tag="stream.started"):
    """A picture came on; replaces the one of the same seat."""

    stream: StreamCard


class StreamEnded(Event, frozen=True, kw_only=True, tag="stream.ended"):
    """A picture went off."""

    seat: str


class SeatGiven(Event, frozen=True, kw_only=True, tag="seat.given"):
    """Somebody may send a picture from a seat; they go to the end of ``seats``."""

    seat: SeatCard


class SeatVacated(Event, frozen=True, kw_only=True, tag="seat.vacated"):
    """A seat is free again; what its picture and the layout become is told by events of their own."""

    seat: str


class Layout(Event, frozen=True, kw_only=True, tag="layout"):
    """How the pictures are arranged."""

    layout: str


class Muted(Event, frozen=True, kw_only=True, tag="muted"):
    """A person was silenced until then (0: no longer)."""

    person: str
    until_ms: int


class Deleted(Event, frozen=True, kw_only=True, tag="deleted"):
    """A comment was taken back."""

    comment: str


class SlowMode(Event, frozen=True, kw_only=True, tag="slow.mode"):
    """Each person may comment once in so many seconds (0: as fast as anywhere)."""

    seconds: int


class ReviewMode(Event, frozen=True, kw_only=True, tag="review.mode"):
    """Whether comments wait for a moderator."""

    on: bool


class CommentPinned(Event, frozen=True, kw_only=True, tag="comment.pinned"):
    """A comment stays above the others; it replaces the one before."""

    comment: CommentLine


class CommentUnpinned(Event, frozen=True, kw_only=True, tag="comment.unpinned"):
    """No comment stays above the others."""


class ModeratorAppointed(Event, frozen=True, kw_only=True, tag="moderator.appointed"):
    """The host asked somebody to moderate the room; they go to the end of ``moderators``."""

    moderator: PersonCard


class ModeratorDismissed(Event, frozen=True, kw_only=True, tag="moderator.dismissed"):
    """Somebody moderates the room no longer."""

    person: str


RoomEvent = (
    ShowStarted
    | ShowEnded
    | Pinned
    | Unpinned
    | SaleScheduled
    | SaleOpened
    | SaleAdjusted
    | SaleDrawn
    | SoldOut
    | Restocked
    | SaleClosed
    | CouponDropped
    | SegmentStarted
    | SegmentEnded
    | StreamStarted
    | StreamEnded
    | SeatGiven
    | SeatVacated
    | Layout
    | Muted
    | Deleted
    | SlowMode
    | ReviewMode
    | CommentPinned
    | CommentUnpinned
    | ModeratorAppointed
    | ModeratorDismissed
)
"""Every kind of event, told apart by ``t``."""
