"""What gateways say to each other, about a room or about all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from livecommerce.coupon import GrantCard
from livecommerce.flash_sale import StockCount
from livecommerce.orders import OrderCard
from livecommerce.revocation import Revocation
from livecommerce.room.cards import CommentLine
from livecommerce.room.events import RoomEvent
from livecommerce.room.sanctions import Sanction
from livecommerce.waitlist import PlaceCard, QueueCount

DEPLOYMENT = "00-deployment"
"""The channel that every gateway hears, whatever rooms it serves; it stands where a room's id would."""


class Control(Struct, frozen=True, tag_field="k", tag="control"):
    """An event was appended to the room's log."""

    epoch: str
    offset: int
    event: RoomEvent


class Personal(Struct, frozen=True, tag_field="k", tag="personal"):
    """One person's order, coupon or place in a line changed."""

    to: str
    order: OrderCard | None = None
    grant: GrantCard | None = None
    place: PlaceCard | None = None


class StockNews(Struct, frozen=True, tag_field="k", tag="stock"):
    """What is left of some sales."""

    stock: tuple[StockCount, ...]


class QueueNews(Struct, frozen=True, tag_field="k", tag="queue"):
    """How long some lines are."""

    queues: tuple[QueueCount, ...]


class Crowd(Struct, frozen=True, tag_field="k", tag="crowd"):
    """Comments that another gateway accepted during one tick."""

    node: str
    comments: tuple[CommentLine, ...]


class ForDesk(Struct, frozen=True, tag_field="k", tag="desk"):
    """Comments that only those who moderate see; told by another gateway."""

    node: str
    held: tuple[CommentLine, ...] = ()
    """They wait for a moderator's word."""
    shadowed: tuple[CommentLine, ...] = ()
    """Their author is under a shadow."""
    shown: bool = True
    """Whether the author sees them, as all would if there were no shadow."""
    reviewed: str = ""
    """A held comment that waits no longer."""
    asked: bool = False
    """What waits is to be told again, for a gateway that came late."""


class Sanctioned(Struct, frozen=True, tag_field="k", tag="sanction"):
    """A sanction was imposed or lifted."""

    sanction: Sanction


class Revoked(Struct, frozen=True, tag_field="k", tag="revoked"):
    """A person was signed out everywhere."""

    revocation: Revocation


Publication = Control | Personal | StockNews | QueueNews | Crowd | ForDesk | Sanctioned | Revoked

Listener = Callable[[Publication], None]


class Bus(Protocol):
    """Carries publications between gateways; what is published while one is away is lost to it."""

    async def subscribe(self, room: str, listener: Listener) -> None:
        """Calls the listener for each publication from the time this returns."""
        ...

    async def unsubscribe(self, room: str) -> None:
        """Stops calling."""
        ...

    async def publish(self, room: str, publication: Publication) -> None:
        """Tells every gateway that serves the room, this one included.

        Raises:
            Unavailable: nobody may have heard it.
        """
        ...
