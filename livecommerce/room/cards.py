"""What a room shows: values that travel unchanged from its state to the browser.

Times are UTC milliseconds, money is in minor units.
"""

from __future__ import annotations

from msgspec import Struct

from livecommerce.localized import LocalText


class PersonCard(Struct, frozen=True, kw_only=True):
    """A person as the room sees them."""

    person: str
    name: str
    role: str = "viewer"
    """viewer, guest (watches without an account), host, brand, moderator, operator."""


class SkuCard(Struct, frozen=True, kw_only=True):
    """A variant that can be bought."""

    sku: str
    title: LocalText
    price_minor: int


class ProductCard(Struct, frozen=True, kw_only=True):
    """A product as the room sees it."""

    product: str
    title: LocalText
    image: str
    price_minor: int
    currency: str
    shop: str = ""
    """Its owner; some coupons lower the products of one shop only."""
    skus: tuple[SkuCard, ...] = ()


class PinCard(Struct, frozen=True, kw_only=True):
    """A pinned product."""

    product: ProductCard
    pinned_ms: int


FLASH = "flash"
SHELF = "shelf"
NO_END_MS = 9_999_999_999_999
"""When a sale ends that has no deadline: with the show."""


class DrawCard(Struct, frozen=True, kw_only=True):
    """The result of a draw; with the export of the sale everybody can make it again."""

    seed: str
    """What was hashed into the card's ``commit``."""
    digest: str
    """Of sale, units and entrants."""
    units: int
    entrants: int
    winners: int


class SaleCard(Struct, frozen=True, kw_only=True):
    """A sale as the room sees it."""

    sale: str
    version: int
    phase: str
    """scheduled (opens at ``opens_ms``), open, sold_out, closed."""
    product: ProductCard
    sku: str
    price_minor: int
    list_price_minor: int
    currency: str
    stock: int
    """Units allocated to the sale; what is left travels in ``stock`` messages."""
    limit: int
    opens_ms: int
    closes_ms: int
    hold_seconds: int
    segment: str | None = None
    kind: str = FLASH
    """flash (a price of its own, until a deadline) or shelf (at the list price, as long as the show)."""
    line: str = ""
    """waitlist (people can wait once it is sold out), lottery (its units are drawn for first), or empty."""
    window_ms: int = 0
    """How long a draw takes entries, from ``opens_ms`` on."""
    commit: str = ""
    """SHA-256 of the draw's seed."""
    draw: DrawCard | None = None
    """Once it was drawn."""


class DropCard(Struct, frozen=True, kw_only=True):
    """Coupons offered to the room."""

    drop: str
    campaign: str
    title: LocalText
    discount_minor: int
    threshold_minor: int
    currency: str
    count: int
    ends_ms: int
    percent_ppm: int = 0
    """The part of the price that one takes off, up to ``discount_minor``; 0: a fixed amount."""
    exclusive: bool = False
    """One is used alone."""
    shop: str = ""
    """The merchant whose products alone they lower; empty: everybody's."""


class SegmentCard(Struct, frozen=True, kw_only=True):
    """The part of the show that is on air."""

    segment: str
    kind: str
    """brand, mix, celebrity."""
    title: LocalText
    brand: str
    """The brand's shop id."""
    brand_name: LocalText
    starts_ms: int
    ends_ms: int


class CommentLine(Struct, frozen=True, kw_only=True):
    """One comment."""

    comment: str
    person: PersonCard
    text: str
    at_ms: int


class StreamCard(Struct, frozen=True, kw_only=True):
    """A picture that is on."""

    seat: str
    stream: str
    since_ms: int
    stalled: bool = False


class SeatCard(Struct, frozen=True, kw_only=True):
    """A guest's place beside the host; whether a picture comes from it is told by the streams."""

    seat: str
    person: PersonCard


class RoomState(Struct, frozen=True, kw_only=True):
    """The whole control state of a room; events change exactly this."""

    room: str
    shop: str
    title: LocalText
    host: PersonCard
    phase: str
    """scheduled, live, ended."""
    starts_ms: int
    started_ms: int | None = None
    ended_ms: int | None = None
    layout: str = "single"
    pins: tuple[PinCard, ...] = ()
    """Newest first."""
    sales: tuple[SaleCard, ...] = ()
    """Newest first; closed ones leave when the next opens."""
    drops: tuple[DropCard, ...] = ()
    segment: SegmentCard | None = None
    streams: tuple[StreamCard, ...] = ()
    seats: tuple[SeatCard, ...] = ()
    """Guests who may send a picture, in the order in which they were asked."""
    muted: dict[str, int] = {}
    """Person → until when they may not comment."""
    slow_seconds: int = 0
    """Between two comments of one person; 0: as fast as anywhere."""
    reviewed: bool = False
    """Comments wait for a moderator before others see them."""
    pinned_comment: CommentLine | None = None
    moderators: tuple[PersonCard, ...] = ()
    """Whom the host has asked to moderate this room, beside the moderators of its shop."""
