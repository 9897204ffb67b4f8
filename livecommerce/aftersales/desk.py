"""The merchant's desk: finding orders, and what the things in them are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.aftersales.record import OrderRecord
from livecommerce.ids import OrderId
from livecommerce.ledger.facts import Fact
from livecommerce.localized import LocalText

TABS = ("all", "to_ship", "on_the_way", "returns", "refunds", "completed", "canceled")
"""What a merchant looks for: ``returns`` and ``refunds`` are those that somebody must still see to."""


class OrderFilter(Struct, frozen=True, kw_only=True):
    """Which orders; everything that is given must be true of them."""

    shops: tuple[str, ...] | None
    """Owners of the goods; ``None`` for those of the whole deployment."""
    tab: str = "all"
    room: str = ""
    from_ms: int | None = None
    to_ms: int | None = None
    text: str = ""
    """The beginning of an order's number, a tracking number, or part of a product's title."""


class Place(Struct, frozen=True, kw_only=True):
    """Where a page of orders ended."""

    confirmed_ms: int
    order: str


class Labels(Struct, frozen=True, kw_only=True):
    """What things are called, by id."""

    products: dict[str, LocalText]
    images: dict[str, str]
    skus: dict[str, LocalText]
    rooms: dict[str, LocalText]
    shops: dict[str, LocalText]
    people: dict[str, str]


class OrderDesk(Protocol):
    """Confirmed orders as merchants see them. Everything raises ``Unavailable`` while SQL is away."""

    async def find(self, order: OrderId) -> OrderRecord | None:
        """One order, or ``None``."""
        ...

    async def search(self, wanted: OrderFilter, after: Place | None, limit: int) -> list[OrderRecord]:
        """The next orders after a place, newest first."""
        ...

    async def counts(self, wanted: OrderFilter) -> dict[str, int]:
        """How many orders stand under each tab, whatever the filter's own is."""
        ...

    async def rooms(self, shops: Sequence[str] | None) -> dict[str, LocalText]:
        """Rooms that have sold goods of these shops, the last first."""
        ...

    async def labels(self, records: Sequence[OrderRecord]) -> Labels:
        """What the things in orders are called; unknown ones are left out."""
        ...

    async def facts(self, order: OrderId) -> list[Fact]:
        """Everything that the ledger was told of an order, in order."""
        ...
