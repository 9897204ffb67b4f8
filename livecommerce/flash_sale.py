"""Flash sales: a stock that is sold exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.ids import RoomId, SaleId


class StockCount(Struct, frozen=True, kw_only=True):
    """What is left of a sale; the highest ``v`` wins."""

    sale: str
    v: int
    available: int
    held: int
    sold: int


class SaleOpening(Struct, frozen=True, kw_only=True):
    """A sale about to open. Its stock was taken from the shop's before, under the sale's id.

    Its times are reckoned from the store's clock, which alone decides when it opens and closes.
    """

    sale: SaleId
    room: RoomId
    sku: str
    price_minor: int
    stock: int
    limit: int
    """Units per buyer."""
    opens_ms: int = 0
    """When it opens; 0, or a time that has passed: at once."""
    wait_ms: int = 0
    """How long from now until it opens, where that is later."""
    length_ms: int = 0
    """How long it is open; 0: as long as the show."""
    hold_seconds: int
    offer: bytes
    """What checkout needs to know of it, JSON; the inventory only keeps it."""
    card: bytes
    """What the room shows of it, JSON, without ``TERMS``."""


TERMS = ("version", "phase", "price_minor", "stock", "limit", "opens_ms", "closes_ms")
"""What changes while a sale lasts; the inventory adds it to the card that the room shows."""


class Place(Struct, frozen=True, kw_only=True):
    """Where the author of an event saw the end of a room's log."""

    epoch: str
    offset: int


class SaleAdjustment(Struct, frozen=True, kw_only=True):
    """A change of a sale that is not over; added units were taken from the shop's stock before."""

    sale: SaleId
    operation: str
    """The same operation is made once, however often it is asked for."""
    version: int
    """The version that is changed; the sale then has the next one."""
    price_minor: int = 0
    """0: as it is."""
    limit: int = 0
    """Never lower than before: somebody may have as many already. 0: as it is."""
    extend_ms: int = 0
    """How much later it closes; negative: earlier."""
    added: int = 0
    """Units more; negative takes units away that nobody holds."""


class StockAudit(Struct, frozen=True, kw_only=True):
    """A sale counted twice: by its counters and by walking its orders."""

    allocated: int
    available: int
    held: int
    sold: int
    returned: int
    """Given back to the shop; 0 until the sale is closed and its last hold has ended."""
    limit: int
    open_units: int
    """Units in open orders."""
    buyers_units: int
    """Units that count towards buyers' limits."""
    most_of_one_buyer: int
    strays: int
    """Deadlines of orders that are not open."""
    undue: int
    """Open orders without a deadline."""
    turn_units: int
    """Set aside for people whose turn it is."""
    turns_astray: int
    """Turns without a deadline, and deadlines without a turn."""
    misplaced: int
    """People who wait and have a turn, or who wait for nothing; and what is counted wrong."""
    idle: int
    """Units that are free though somebody waits for them and nobody is about to offer them."""

    def violations(self) -> list[str]:
        """The laws that do not hold; empty when all is well."""
        laws = {
            "available + held + sold + returned = allocated": self.allocated
            == self.available + self.held + self.sold + self.returned,
            "nothing is negative": min(self.available, self.held, self.sold, self.returned) >= 0,
            "open orders and turns add up to held": self.open_units + self.turn_units == self.held,
            "buyers' units are held or sold": self.buyers_units == self.held + self.sold,
            "every buyer is within the limit": self.most_of_one_buyer <= self.limit,
            "deadlines are those of the open orders": self.strays == 0 and self.undue == 0,
            "deadlines of turns are those of the turns": self.turns_astray == 0,
            "everybody has one place at most": self.misplaced == 0,
            "nothing lies idle while somebody waits": self.idle == 0,
        }
        return [law for law, holds in laws.items() if not holds]


class Inventory(Protocol):
    """The stock of all sales; each call is atomic, durable when it answers, and safe to repeat."""

    async def open_sale(self, opening: SaleOpening, place: Place) -> int:
        """Opens or announces a sale and appends its event; answers the event's offset.

        Raises:
            Stale: the room has moved on and nothing was written; look again and repeat.
            Conflict: ``key_reused``: the sale was voided; ``opens_too_late``.
            Unavailable: ``not_durable``: the server could lose what it acknowledges.
        """
        ...

    async def void(self, sale: SaleId) -> bool:
        """Makes sure that a sale which is not there never opens, not even by a call under way; its stock
        may then go back. False where the sale is there."""
        ...

    async def close_sale(self, sale: SaleId, version: int) -> StockCount:
        """Closes a sale, or cancels one that has not opened.

        Open holds keep their time; the rest goes back when the last has ended.

        Raises:
            Conflict: ``sale_changed``: it has another version.
        """
        ...

    async def adjust_sale(self, adjustment: SaleAdjustment) -> StockCount:
        """Changes a sale that is not over and appends its event; open holds keep their price.

        Raises:
            Conflict: ``sale_changed`` (it has another version), ``sale_closed``, ``limit_lowered``,
                ``too_few_available``, ``end_passed``, ``end_before_draw``, ``sale_without_end``;
                ``key_reused`` (the operation was another change, or was voided).
        """
        ...

    async def void_adjustment(self, sale: SaleId, operation: str) -> bool:
        """Makes sure that a change which was not made never is; false where it was made."""
        ...

    async def stock(self, sales: Sequence[SaleId]) -> list[StockCount]:
        """What is left of each; unknown sales are left out. One shard, one call."""
        ...

    async def audit(self, sale: SaleId) -> StockAudit:
        """Counts a sale twice. Reads all its orders: for tests, operators and the end of a show."""
        ...
