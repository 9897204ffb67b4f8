"""The host changes the terms of a sale that is not over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from livecommerce.clock import Clock
from livecommerce.errors import DomainError, Invalid, Unavailable
from livecommerce.flash_sale import Inventory, SaleAdjustment
from livecommerce.gateway.messages import from_client, to_client
from livecommerce.gateway.room_commands import ok
from livecommerce.gateway.session import Session
from livecommerce.gateway.trail import Trail
from livecommerce.ids import SaleId, named_id, shard_of
from livecommerce.room import room as rules


class Loans(Protocol):
    """Shop stock that follows a sale's first units."""

    async def lend_more(self, sale: SaleId, operation: str, units: int, at_ms: int) -> None:
        """Lends more units, once per operation.

        Raises:
            Conflict: ``stock_short`` with the units ``on_hand``; ``sale_closed``; ``key_reused``: the
                operation was called off, or lent other units.
        """
        ...

    async def confirm(self, operation: str) -> None:
        """The sale has the units."""
        ...

    async def call_off(self, sale: SaleId, operation: str) -> None:
        """The sale never gets the units: they are on hand again. Repeated, it changes nothing."""
        ...


class SaleTerms:
    """Changes price, limit, end and units, in one step.

    More units are lent by the shop before the sale gets them, and confirmed after; a gateway that dies in
    between leaves them to the worker that looks for stranded stock.
    """

    def __init__(self, inventory: Inventory, loans: Loans, trail: Trail, clock: Clock) -> None:
        self._inventory = inventory
        self._loans = loans
        self._trail = trail
        self._clock = clock

    def handlers(self) -> dict[type[Any], Callable[[Session, Any], Any]]:
        """Message type → handler."""
        return {from_client.SaleAdjust: self.adjust}

    async def adjust(self, session: Session, message: from_client.SaleAdjust) -> to_client.Ok | None:
        """Changes a sale. The same key with the same terms is the same change."""
        session.require_host()
        rules.find_sale(session.served.live.state, message.sale)
        if not (message.price_minor or message.limit or message.extend_seconds or message.add_units):
            raise Invalid("nothing_to_change")
        change = _adjustment(message)
        if change.added > 0:
            await self._loans.lend_more(change.sale, change.operation, change.added, self._clock())
        try:
            count = await self._inventory.adjust_sale(change)
        except Unavailable:
            raise  # it may have been changed; the same key finds out
        except DomainError:
            await self._call_off(change)
            raise
        if change.added > 0:
            await self._loans.confirm(change.operation)
        session.served.share_stock(count)
        await session.served.catch_up()
        await self._trail.note(session, "sale.adjusted", change.sale, _noted(message))
        return ok(message)

    async def _call_off(self, change: SaleAdjustment) -> None:
        """Ends what was lent for a change that was refused, unless a twin has made it."""
        if change.added > 0:
            if await self._inventory.void_adjustment(change.sale, change.operation):
                await self._loans.call_off(change.sale, change.operation)
            else:
                await self._loans.confirm(change.operation)


def _adjustment(message: from_client.SaleAdjust) -> SaleAdjustment:
    return SaleAdjustment(
        sale=SaleId(message.sale),
        # with its units, so that what is lent under an operation is what the sale gets by it
        operation=named_id(
            shard_of(message.sale), "adjust", message.sale, message.key, str(message.add_units)
        ),
        version=message.version,
        price_minor=message.price_minor,
        limit=message.limit,
        extend_ms=message.extend_seconds * 1000,
        added=message.add_units,
    )


def _noted(message: from_client.SaleAdjust) -> dict[str, int]:
    terms = {
        "price_minor": message.price_minor,
        "limit": message.limit,
        "extend_seconds": message.extend_seconds,
        "add_units": message.add_units,
    }
    return {name: value for name, value in terms.items() if value}
