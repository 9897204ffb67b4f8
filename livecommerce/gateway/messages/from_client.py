"""What a client sends."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from livecommerce.basket import MAX_LINES
from livecommerce.room.cards import NO_END_MS

Id = Annotated[str, Meta(max_length=32)]
Key = Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
Positive = Annotated[int, Meta(ge=1)]
Price = Annotated[int, Meta(ge=1, le=1_000_000_000_000)]
"""Per unit, in minor units; large enough for every currency, small enough for every store's numbers."""
NotNegative = Annotated[int, Meta(ge=0)]


class ClientMessage(Struct, frozen=True, kw_only=True, tag_field="t", omit_defaults=True):
    """What a client sends."""

    id: int | None = None
    """The client's number of this message; the answer (``ok``, ``error``, ``verdict``) repeats it."""


class Join(ClientMessage, frozen=True, kw_only=True, tag="join"):
    """The first message: who, and where to resume from."""

    token: str = ""
    """Empty: the session cookie is used if the Origin is ours, else the caller is a nameless guest."""
    epoch: str = ""
    offset: NotNegative = 0
    device: Annotated[str, Meta(max_length=64)] = ""
    """A random id that the browser keeps; tells a friend's phone from one's own second tab."""
    grant: Annotated[str, Meta(max_length=400)] = ""
    """The share grant that brought this viewer here."""


class Refresh(ClientMessage, frozen=True, kw_only=True, tag="refresh"):
    """A new token before the old one ends; the session goes on under it."""

    token: str


class Ping(ClientMessage, frozen=True, kw_only=True, tag="ping"):
    """Asks for the server's time."""


class Comment(ClientMessage, frozen=True, kw_only=True, tag="comment"):
    """Says something to the room; answered by a ``verdict``."""

    text: Annotated[str, Meta(min_length=1, max_length=200)]


class Like(ClientMessage, frozen=True, kw_only=True, tag="like"):
    """Taps of the heart since the last message."""

    n: Annotated[int, Meta(ge=1, le=50)] = 1


class Buy(ClientMessage, frozen=True, kw_only=True, tag="buy"):
    """Asks for units of a sale; answered by ``ok`` with the hold, or ``error``."""

    sale: Id
    version: Positive
    price_minor: Price
    """The price the buyer saw; a changed price is an error, never a silent charge."""
    key: Key
    """Idempotency key: the same key is the same wish."""
    qty: Annotated[int, Meta(ge=1, le=99)] = 1
    grant: Id = ""
    """The coupon to use, from the buyer's wallet."""


class BagLine(Struct, frozen=True, kw_only=True):
    """Units of one sale in a bag."""

    sale: Id
    version: Positive
    price_minor: Price
    qty: Annotated[int, Meta(ge=1, le=99)] = 1


class BuyBag(ClientMessage, frozen=True, kw_only=True, tag="buy.bag"):
    """Asks for units of several sales of one merchant, all or nothing; answered by ``ok`` with the hold, or
    ``error``, which names a line that stands in the way by its ``sale``."""

    lines: Annotated[tuple[BagLine, ...], Meta(min_length=1, max_length=MAX_LINES)]
    key: Key
    """Idempotency key: the same key is the same wish."""
    grants: Annotated[tuple[Id, ...], Meta(max_length=2)] = ()
    """The coupons to use: one of the merchant's and one of the platform's at most."""


class Wait(ClientMessage, frozen=True, kw_only=True, tag="wait"):
    """Asks for a place in the line of a sold-out sale, or for a part in its draw; answered by ``ok`` with the
    place. Who has one keeps it."""

    sale: Id
    qty: Annotated[int, Meta(ge=1, le=99)] = 1


class WaitLeave(ClientMessage, frozen=True, kw_only=True, tag="wait.leave"):
    """Gives up one's place, entry or turn; answered by ``ok`` with what it was."""

    sale: Id


class Claim(ClientMessage, frozen=True, kw_only=True, tag="claim"):
    """Takes a coupon that was dropped in the room."""

    drop: Id


class ShowStart(ClientMessage, frozen=True, kw_only=True, tag="show.start"):
    """Opens the show (host)."""


class ShowEnd(ClientMessage, frozen=True, kw_only=True, tag="show.end"):
    """Ends the show (host)."""


class Pin(ClientMessage, frozen=True, kw_only=True, tag="pin"):
    """Puts a product of the shelf in front (host, moderator)."""

    product: Id


class Unpin(ClientMessage, frozen=True, kw_only=True, tag="unpin"):
    """Takes a product away (host, moderator)."""

    product: Id


class SaleOpen(ClientMessage, frozen=True, kw_only=True, tag="sale.open"):
    """Opens a flash sale of one SKU, or announces one that opens by itself (host)."""

    sku: Id
    price_minor: Price
    stock: Annotated[int, Meta(ge=1, le=1_000_000)]
    key: Key
    limit: Annotated[int, Meta(ge=1, le=99)] = 1
    """Units per buyer."""
    seconds: Annotated[int, Meta(ge=10, le=86_400)] = 300
    """How long it is open."""
    wait_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 0
    """How long until it opens, by the server's clock."""
    opens_ms: Annotated[int, Meta(ge=0, le=NO_END_MS)] = 0
    """When it opens, at most a day ahead; 0 or a time that has passed: at once."""
    mode: Literal["fifo", "lottery"] = "fifo"
    """First come, first served; or the units are drawn for among all who ask within the window."""
    window_seconds: Annotated[int, Meta(ge=10, le=86_400)] = 60
    """How long a draw takes entries; ``seconds`` begin when it is over."""
    waitlist: bool = True
    """Whether people can wait for units that come back; after a draw they always can."""


class ShelfOpen(ClientMessage, frozen=True, kw_only=True, tag="shelf.open"):
    """Puts a SKU on sale at its list price for as long as the show lasts (host); ``sale.close`` ends it."""

    sku: Id
    stock: Annotated[int, Meta(ge=1, le=1_000_000)]
    key: Key
    limit: Annotated[int, Meta(ge=1, le=99)] = 5
    """Units per buyer."""
    waitlist: bool = True
    """Whether people can wait for units that come back."""


class SaleAdjust(ClientMessage, frozen=True, kw_only=True, tag="sale.adjust"):
    """Changes the terms of a sale that is not over (host); what is left out, or 0, stays as it is.

    Holds that are open keep their price."""

    sale: Id
    version: Positive
    """The version that was seen; the sale then has the next one."""
    key: Key
    """Idempotency key: the same key is the same change."""
    price_minor: Annotated[int, Meta(ge=0, le=1_000_000_000_000)] = 0
    limit: Annotated[int, Meta(ge=0, le=99)] = 0
    """Units per buyer; never fewer than before."""
    extend_seconds: Annotated[int, Meta(ge=-86_400, le=86_400)] = 0
    """How much later it closes; negative: earlier."""
    add_units: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] = 0
    """Units more from the shop's stock; negative: free ones go back to it."""


class SaleClose(ClientMessage, frozen=True, kw_only=True, tag="sale.close"):
    """Closes a sale, or cancels one that has not opened; holds that are open keep their time (host)."""

    sale: Id
    version: Positive


class CouponDrop(ClientMessage, frozen=True, kw_only=True, tag="coupon.drop"):
    """Offers a campaign's coupons to the room (host)."""

    campaign: Id
    count: Annotated[int, Meta(ge=1, le=100_000)]
    seconds: Annotated[int, Meta(ge=10, le=86_400)] = 60
    key: Key = ""
    """Idempotency key; without one every message is a drop of its own."""


class Mute(ClientMessage, frozen=True, kw_only=True, tag="mute"):
    """Silences a person in this room; 0 seconds lifts it (host, moderator)."""

    person: Id
    seconds: Annotated[int, Meta(ge=0, le=31_536_000)] = 600


class Delete(ClientMessage, frozen=True, kw_only=True, tag="delete"):
    """Takes back a comment for everyone (host, moderator)."""

    comment: Id


class Slow(ClientMessage, frozen=True, kw_only=True, tag="slow"):
    """Sets how long each person waits between two comments; 0 ends it (host, moderator)."""

    seconds: Annotated[int, Meta(ge=0, le=600)]


class ReviewFirst(ClientMessage, frozen=True, kw_only=True, tag="review.first"):
    """Lets comments wait for a moderator, or no longer (host, moderator)."""

    on: bool


class CommentPin(ClientMessage, frozen=True, kw_only=True, tag="comment.pin"):
    """Keeps one of the last comments above the others (host, moderator)."""

    comment: Id


class CommentUnpin(ClientMessage, frozen=True, kw_only=True, tag="comment.unpin"):
    """Lets the pinned comment go (host, moderator)."""


class Review(ClientMessage, frozen=True, kw_only=True, tag="review"):
    """A word on a held comment (host, moderator)."""

    comment: Id
    approve: bool


class Impose(ClientMessage, frozen=True, kw_only=True, tag="impose"):
    """Puts a person under a sanction in this room; 0 seconds lifts it (host, moderator)."""

    kind: Literal["shadow", "ban"]
    person: Id
    name: Annotated[str, Meta(max_length=64)] = ""
    """What the list of sanctions shows."""
    seconds: Annotated[int, Meta(ge=0, le=31_536_000)] = 86_400


class ModeratorAppoint(ClientMessage, frozen=True, kw_only=True, tag="moderator.appoint"):
    """Lets a person with an account moderate this room (host)."""

    person: Id
    name: Annotated[str, Meta(max_length=64)]
    """What the room shows."""


class ModeratorDismiss(ClientMessage, frozen=True, kw_only=True, tag="moderator.dismiss"):
    """Ends that (host)."""

    person: Id


class SeatGive(ClientMessage, frozen=True, kw_only=True, tag="seat.give"):
    """Lets a person send a picture beside the host's (host)."""

    person: Id
    name: Annotated[str, Meta(max_length=64)]
    """What the room shows."""


class SeatVacate(ClientMessage, frozen=True, kw_only=True, tag="seat.vacate"):
    """Takes a seat back; a guest may leave their own (host, or the seat's guest)."""

    seat: Annotated[str, Meta(max_length=20)]


class Arrange(ClientMessage, frozen=True, kw_only=True, tag="layout"):
    """Arranges the pictures: ``single``, ``side-by-side``, ``picture-in-picture`` (host)."""

    layout: Annotated[str, Meta(max_length=20)]


ClientMessages = (
    Join
    | Refresh
    | Ping
    | Comment
    | Like
    | Buy
    | BuyBag
    | Wait
    | WaitLeave
    | Claim
    | ShowStart
    | ShowEnd
    | Pin
    | Unpin
    | SaleOpen
    | ShelfOpen
    | SaleAdjust
    | SaleClose
    | CouponDrop
    | Mute
    | Delete
    | Slow
    | ReviewFirst
    | CommentPin
    | CommentUnpin
    | Review
    | Impose
    | ModeratorAppoint
    | ModeratorDismiss
    | SeatGive
    | SeatVacate
    | Arrange
)
"""Everything a client can send."""
