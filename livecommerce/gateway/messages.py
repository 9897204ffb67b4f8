"""The socket's vocabulary, version 1, both directions.

A client sends one object per frame; ``t`` is the type, ``id`` the client's number where it wants an
answer. The server sends an array of objects per flush. Within version 1 fields and types are only
added; each side ignores what it does not know. Times are UTC milliseconds, money is in minor units.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from livecommerce.localized import LocalText

Id = Annotated[str, Meta(max_length=32)]
Key = Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]


class ClientMessage(Struct, frozen=True, kw_only=True, tag_field="t", omit_defaults=True):
    """What a client sends."""

    id: int | None = None
    """The client's number of this message; the answer (``ok``, ``error``, ``verdict``) repeats it."""


class Join(ClientMessage, tag="join"):
    """The first message: who, and where to resume from."""

    token: str = ""
    """Empty: the session cookie is used if the Origin is ours, else the caller is a nameless guest."""
    epoch: str = ""
    offset: NotNegative = 0
    device: Annotated[str, Meta(max_length=64)] = ""
    """A random id that the browser keeps; tells a friend's phone from one's own second tab."""
    grant: Annotated[str, Meta(max_length=400)] = ""
    """The share grant that brought this viewer here."""


class Refresh(ClientMessage, tag="refresh"):
    """A new token before the old one expires."""

    token: str


class Ping(ClientMessage, tag="ping"):
    """Asks for the server's time."""


class Comment(ClientMessage, tag="comment"):
    """Says something to the room; answered by a ``verdict``."""

    text: Annotated[str, Meta(min_length=1, max_length=200)]


class Like(ClientMessage, tag="like"):
    """Taps of the heart since the last message."""

    n: Annotated[int, Meta(ge=1, le=50)] = 1


class Buy(ClientMessage, tag="buy"):
    """Asks for units of a sale; answered by ``ok`` with the hold, or ``error``."""

    sale: Id
    version: Positive
    price_minor: NotNegative
    """The price the buyer saw; a changed price is an error, never a silent charge."""
    key: Key
    """Idempotency key: the same key is the same wish."""
    qty: Annotated[int, Meta(ge=1, le=99)] = 1
    grant: Id = ""
    """The coupon to use, from the buyer's wallet."""


class Claim(ClientMessage, tag="claim"):
    """Takes a coupon that was dropped in the room."""

    drop: Id


class ShowStart(ClientMessage, tag="show.start"):
    """Opens the show (host)."""


class ShowEnd(ClientMessage, tag="show.end"):
    """Ends the show (host)."""


class Pin(ClientMessage, tag="pin"):
    """Puts a product of the shelf in front (host, moderator)."""

    product: Id


class Unpin(ClientMessage, tag="unpin"):
    """Takes a product away (host, moderator)."""

    product: Id


class SaleOpen(ClientMessage, tag="sale.open"):
    """Opens a flash sale of one SKU (host)."""

    sku: Id
    price_minor: NotNegative
    stock: Annotated[int, Meta(ge=1, le=1_000_000)]
    key: Key
    limit: Annotated[int, Meta(ge=1, le=99)] = 1
    """Units per buyer."""
    seconds: Annotated[int, Meta(ge=10, le=86_400)] = 300


class SaleClose(ClientMessage, tag="sale.close"):
    """Closes a sale; holds that are open keep their time (host)."""

    sale: Id
    version: Positive


class CouponDrop(ClientMessage, tag="coupon.drop"):
    """Offers a campaign's coupons to the room (host)."""

    campaign: Id
    count: Annotated[int, Meta(ge=1, le=100_000)]
    seconds: Annotated[int, Meta(ge=10, le=86_400)] = 60


class Mute(ClientMessage, tag="mute"):
    """Silences a person in this room; 0 seconds lifts it (host, moderator)."""

    person: Id
    seconds: Annotated[int, Meta(ge=0, le=31_536_000)] = 600


class Delete(ClientMessage, tag="delete"):
    """Takes back a comment for everyone (host, moderator)."""

    comment: Id


ClientMessages = (
    Join
    | Refresh
    | Ping
    | Comment
    | Like
    | Buy
    | Claim
    | ShowStart
    | ShowEnd
    | Pin
    | Unpin
    | SaleOpen
    | SaleClose
    | CouponDrop
    | Mute
    | Delete
)


# ---------------------------------------------------------------- values inside server messages


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
    skus: tuple[SkuCard, ...] = ()


class PinCard(Struct, frozen=True, kw_only=True):
    """A pinned product."""

    product: ProductCard
    pinned_ms: int


class SaleCard(Struct, frozen=True, kw_only=True):
    """A flash sale as the room sees it."""

    sale: str
    version: int
    phase: str
    """open, sold_out, closed."""
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


class StreamCard(Struct, frozen=True, kw_only=True):
    """A picture that is on."""

    seat: str
    stream: str
    since_ms: int
    stalled: bool = False


class RoomCard(Struct, frozen=True, kw_only=True):
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


class StockCount(Struct, frozen=True, kw_only=True):
    """What is left of a sale; the highest ``v`` wins."""

    sale: str
    v: int
    available: int
    held: int
    sold: int


class CommentLine(Struct, frozen=True, kw_only=True):
    """One comment."""

    comment: str
    person: PersonCard
    text: str
    at_ms: int


class OrderCard(Struct, frozen=True, kw_only=True):
    """A buyer's hold and the order it becomes; the highest ``v`` wins."""

    order: str
    v: int
    state: str
    """held, paying, closing, sold, released, expired."""
    room: str
    sale: str
    product: str
    sku: str
    title: LocalText
    image: str
    qty: int
    price_minor: int
    """Per unit."""
    discount_minor: int
    total_minor: int
    """What the buyer pays."""
    currency: str
    expires_ms: int
    created_ms: int
    pay_url: str = ""
    segment: str | None = None
    brand: str | None = None


class GrantCard(Struct, frozen=True, kw_only=True):
    """A coupon in a person's wallet, or on its way there; the highest ``v`` wins."""

    grant: str
    v: int
    state: str
    """locked (friends still missing), active, reserved, spent, expired."""
    campaign: str
    title: LocalText
    discount_minor: int
    threshold_minor: int
    currency: str
    arrivals: int = 0
    arrivals_needed: int = 0
    ends_ms: int = 0


# ---------------------------------------------------------------- server messages


class ServerMessage(Struct, frozen=True, kw_only=True, tag_field="t"):
    """What the server sends."""


class Snapshot(ServerMessage, tag="snapshot"):
    """The answer to ``join``: everything needed to draw the room."""

    epoch: str
    offset: int
    server_ms: int
    me: PersonCard
    room: RoomCard
    stock: tuple[StockCount, ...]
    viewers: int
    likes: int
    comments: tuple[CommentLine, ...]
    orders: tuple[OrderCard, ...] = ()
    grants: tuple[GrantCard, ...] = ()


class Resumed(ServerMessage, tag="resumed"):
    """The answer to ``join`` with a good epoch and offset: the missed control messages follow in the
    same frame, up to ``offset``; the control state that the client holds stays valid."""

    epoch: str
    offset: int
    server_ms: int
    me: PersonCard
    stock: tuple[StockCount, ...]
    viewers: int
    likes: int
    comments: tuple[CommentLine, ...]
    orders: tuple[OrderCard, ...] = ()
    grants: tuple[GrantCard, ...] = ()


class Resync(ServerMessage, tag="resync"):
    """Fresh control state, sent where the events in between are gone; replaces what the client has."""

    epoch: str
    offset: int
    server_ms: int
    room: RoomCard


class Ok(ServerMessage, tag="ok", omit_defaults=True):
    """The message with this id was carried out."""

    id: int
    order: OrderCard | None = None
    grant: GrantCard | None = None


class Error(ServerMessage, tag="error", omit_defaults=True):
    """The message with this id (or the connection, without one) was refused."""

    code: str
    id: int | None = None
    params: dict[str, Any] = {}
    temporary: bool = False
    """True: the same message may succeed later."""


class Verdict(ServerMessage, tag="verdict", omit_defaults=True):
    """What became of a comment."""

    id: int | None
    result: str
    """delivered, sampled (only you saw it: the room is flooded), held (for a moderator), rejected."""
    comment: str = ""
    code: str = ""
    """Why it was rejected."""


class Pong(ServerMessage, tag="pong"):
    """The server's time."""

    id: int | None
    server_ms: int


class Reconnect(ServerMessage, tag="reconnect"):
    """Please connect again after this many milliseconds; this server is leaving."""

    after_ms: int


class ControlMessage(ServerMessage):
    """A change of the control state: ordered, gap-free."""

    offset: int
    at_ms: int


class ShowStarted(ControlMessage, tag="show.started"):
    """The show is on."""


class ShowEnded(ControlMessage, tag="show.ended"):
    """The show is over."""


class Pinned(ControlMessage, tag="pinned"):
    """A product was put in front; it goes to the head of ``pins``, replacing itself."""

    pin: PinCard


class Unpinned(ControlMessage, tag="unpinned"):
    """A product was taken away."""

    product: str


class SaleOpened(ControlMessage, tag="sale.opened"):
    """A sale opened; it goes to the head of ``sales``."""

    sale: SaleCard


class SoldOut(ControlMessage, tag="sold.out"):
    """The last unit is held or sold."""

    sale: str


class Restocked(ControlMessage, tag="restocked"):
    """Units came back after ``sold.out``: the sale is open again."""

    sale: str


class SaleClosed(ControlMessage, tag="sale.closed"):
    """A sale closed."""

    sale: str


class CouponDropped(ControlMessage, tag="coupon.dropped"):
    """Coupons are on offer."""

    drop: DropCard


class SegmentStarted(ControlMessage, tag="segment.started"):
    """A part of the show began."""

    segment: SegmentCard


class SegmentEnded(ControlMessage, tag="segment.ended"):
    """A part of the show is over."""

    segment: str


class StreamStarted(ControlMessage, tag="stream.started"):
    """A picture came on; replaces the one of the same seat."""

    stream: StreamCard


class StreamEnded(ControlMessage, tag="stream.ended"):
    """A picture went off."""

    seat: str


class Layout(ControlMessage, tag="layout"):
    """How the pictures are arranged."""

    layout: str


class Muted(ControlMessage, tag="muted"):
    """A person was silenced until then (0: no longer)."""

    person: str
    until_ms: int


class Deleted(ControlMessage, tag="deleted"):
    """A comment was taken back."""

    comment: str


class Order(ServerMessage, tag="order"):
    """One of your orders changed."""

    order: OrderCard


class Grant(ServerMessage, tag="grant"):
    """One of your coupons changed."""

    grant: GrantCard


class Stock(ServerMessage, tag="stock"):
    """What is left of the sales that changed."""

    stock: tuple[StockCount, ...]


class Viewers(ServerMessage, tag="viewers"):
    """How many are watching."""

    n: int


class Likes(ServerMessage, tag="likes"):
    """Hearts so far."""

    n: int


class Comments(ServerMessage, tag="comments"):
    """Comments since the last flush, oldest first; one's own comes here too, once."""

    comments: tuple[CommentLine, ...]


ControlMessages = (
    ShowStarted
    | ShowEnded
    | Pinned
    | Unpinned
    | SaleOpened
    | SoldOut
    | Restocked
    | SaleClosed
    | CouponDropped
    | SegmentStarted
    | SegmentEnded
    | StreamStarted
    | StreamEnded
    | Layout
    | Muted
    | Deleted
)
"""The control lane, in the order of their offsets."""

ServerMessages = (
    Snapshot
    | Resumed
    | Resync
    | Ok
    | Error
    | Verdict
    | Pong
    | Reconnect
    | ControlMessages
    | Order
    | Grant
    | Stock
    | Viewers
    | Likes
    | Comments
)
"""Everything a client can receive."""


def parse(document: Any) -> ClientMessages:
    """A decoded frame (JSON or MessagePack) as a typed message.

    Raises:
        msgspec.ValidationError: it does not have the form of any message.
    """
    return msgspec.convert(document, ClientMessages)
