"""What the server sends."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from livecommerce.coupon import GrantCard
from livecommerce.flash_sale import StockCount
from livecommerce.orders import OrderCard
from livecommerce.room.cards import CommentLine, PersonCard, RoomState
from livecommerce.room.events import RoomEvent
from livecommerce.room.sanctions import Sanction
from livecommerce.waitlist import PlaceCard, QueueCount


class ServerMessage(Struct, frozen=True, kw_only=True, tag_field="t"):
    """What the server sends."""


class Snapshot(ServerMessage, frozen=True, kw_only=True, tag="snapshot"):
    """The answer to ``join``: everything needed to draw the room."""

    epoch: str
    offset: int
    server_ms: int
    me: PersonCard
    room: RoomState
    stock: tuple[StockCount, ...]
    viewers: int
    likes: int
    comments: tuple[CommentLine, ...]
    orders: tuple[OrderCard, ...] = ()
    grants: tuple[GrantCard, ...] = ()
    queues: tuple[QueueCount, ...] = ()


class Resumed(ServerMessage, frozen=True, kw_only=True, tag="resumed"):
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
    queues: tuple[QueueCount, ...] = ()


class Resync(ServerMessage, frozen=True, kw_only=True, tag="resync"):
    """Fresh control state, sent where the events in between are gone; replaces what the client has."""

    epoch: str
    offset: int
    server_ms: int
    room: RoomState


class Ok(ServerMessage, frozen=True, kw_only=True, tag="ok", omit_defaults=True):
    """The message with this id was carried out."""

    id: int
    order: OrderCard | None = None
    grant: GrantCard | None = None
    place: PlaceCard | None = None


class Error(ServerMessage, frozen=True, kw_only=True, tag="error", omit_defaults=True):
    """The message with this id (or the connection, without one) was refused."""

    code: str
    id: int | None = None
    params: dict[str, Any] = {}
    temporary: bool = False
    """True: the same message may succeed later."""


class Verdict(ServerMessage, frozen=True, kw_only=True, tag="verdict", omit_defaults=True):
    """What became of a comment."""

    id: int | None
    result: str
    """delivered, sampled (only you saw it: the room is flooded), held (for a moderator), rejected."""
    comment: str = ""
    code: str = ""
    """Why it was rejected."""
    wait_ms: int = 0
    """How long until another one may be sent, where it was too early."""


class Pong(ServerMessage, frozen=True, kw_only=True, tag="pong"):
    """The server's time."""

    id: int | None
    server_ms: int


class Reconnect(ServerMessage, frozen=True, kw_only=True, tag="reconnect"):
    """Please connect again after this many milliseconds; this server is leaving."""

    after_ms: int


class Expiring(ServerMessage, frozen=True, kw_only=True, tag="expiring"):
    """Your token ends in so many milliseconds; ``refresh`` with a new one, or be closed with 4004 then."""

    in_ms: int


class Order(ServerMessage, frozen=True, kw_only=True, tag="order"):
    """One of your orders changed."""

    order: OrderCard


class Grant(ServerMessage, frozen=True, kw_only=True, tag="grant"):
    """One of your coupons changed."""

    grant: GrantCard


class Place(ServerMessage, frozen=True, kw_only=True, tag="place"):
    """Your place in a line changed, or how it is, after a join."""

    place: PlaceCard


class Stock(ServerMessage, frozen=True, kw_only=True, tag="stock"):
    """What is left of the sales that changed."""

    stock: tuple[StockCount, ...]


class Queue(ServerMessage, frozen=True, kw_only=True, tag="queue"):
    """How long the lines are that changed."""

    queues: tuple[QueueCount, ...]


class Viewers(ServerMessage, frozen=True, kw_only=True, tag="viewers"):
    """How many are watching."""

    n: int


class Likes(ServerMessage, frozen=True, kw_only=True, tag="likes"):
    """Hearts so far."""

    n: int


class Comments(ServerMessage, frozen=True, kw_only=True, tag="comments"):
    """Comments since the last flush, oldest first; one's own comes here too, once."""

    comments: tuple[CommentLine, ...]


class Me(ServerMessage, frozen=True, kw_only=True, tag="me"):
    """What you are in this room has changed."""

    me: PersonCard


class Moderation(ServerMessage, frozen=True, kw_only=True, tag="moderation"):
    """What those who moderate know beside the others; follows their ``snapshot``, ``resumed`` or ``me``."""

    held: tuple[CommentLine, ...]
    sanctions: tuple[Sanction, ...]


class Held(ServerMessage, frozen=True, kw_only=True, tag="held"):
    """Comments that wait for a word of those who moderate."""

    comments: tuple[CommentLine, ...]


class Shadowed(ServerMessage, frozen=True, kw_only=True, tag="shadowed"):
    """Comments that only their author and those who moderate see."""

    comments: tuple[CommentLine, ...]


class Reviewed(ServerMessage, frozen=True, kw_only=True, tag="reviewed"):
    """A held comment waits no longer; an approved one also comes with ``comments``."""

    comment: str


class Sanctioned(ServerMessage, frozen=True, kw_only=True, tag="sanctioned"):
    """A sanction was imposed, or lifted (``until_ms`` 0)."""

    sanction: Sanction


ServerMessages = (
    Snapshot
    | Resumed
    | Resync
    | Ok
    | Error
    | Verdict
    | Pong
    | Reconnect
    | Expiring
    | RoomEvent
    | Order
    | Grant
    | Place
    | Stock
    | Queue
    | Viewers
    | Likes
    | Comments
    | Me
    | Moderation
    | Held
    | Shadowed
    | Reviewed
    | Sanctioned
)
"""Everything a client can receive."""
