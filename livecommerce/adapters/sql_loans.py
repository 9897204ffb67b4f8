"""Changes of what is lent to a running sale, in SQL.

Each change is one row under its operation. A loan that has ended counts all its units, so a change that
becomes known afterwards moves none.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_schema import allocation_changes, allocations, skus
from livecommerce.adapters.sql_transactions import insert_new, reads, writes
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import SaleId

MADE, VOID = "made", "void"


class SqlLoans:
    """Units that follow a sale's first ones, or leave it before its end; each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def lend_more(self, sale: SaleId, operation: str, units: int, at_ms: int) -> None:
        """Lends more units to a sale, once per operation."""
        async with writes(self._engine) as connection:
            loan = await _locked(connection, sale)
            known = await _change(connection, operation)
            if known is not None:
                if known.units != units or known.outcome == VOID:
                    raise Conflict("key_reused")
                return
            if loan.closed_ms is not None:
                raise Conflict("sale_closed")
            on_hand = await connection.scalar(
                select(skus.c.on_hand).where(skus.c.sku == loan.sku).with_for_update()
            )
            if on_hand is None or on_hand < units:
                raise Conflict("stock_short", on_hand=on_hand or 0)
            await _record(connection, sale, operation, units, None, at_ms)
            await _move(connection, loan, units)

    async def confirm(self, operation: str) -> None:
        """The sale has the units."""
        change = allocation_changes.c
        async with writes(self._engine) as connection:
            await connection.execute(
                update(allocation_changes)
                .where(change.operation == operation, change.outcome.is_(None))
                .values(outcome=MADE)
            )

    async def call_off(self, sale: SaleId, operation: str) -> None:
        """The sale never gets the units: they are on hand again. Repeated, it changes nothing."""
        change = allocation_changes.c
        async with writes(self._engine) as connection:
            loan = await _locked(connection, sale)
            called_off = (
                update(allocation_changes)
                .where(change.operation == operation, change.outcome.is_(None))
                .values(outcome=VOID)
            )
            if (await connection.execute(called_off)).rowcount == 1 and loan.closed_ms is None:
                known = await _change(connection, operation)
                assert known is not None  # noqa: S101 - it was just updated
                await _move(connection, loan, -known.units)

    async def unconfirmed(self, before_ms: int) -> list[tuple[SaleId, str]]:
        """Sale and operation of what was lent before then and neither confirmed nor called off."""
        change = allocation_changes.c
        query = select(change.sale, change.operation).where(
            change.outcome.is_(None), change.created_ms < before_ms
        )
        async with reads(self._engine) as connection:
            return [(SaleId(row.sale), row.operation) for row in await connection.execute(query)]


async def take_units_back(
    connection: AsyncConnection, sale: SaleId, operation: str, units: int, at_ms: int
) -> None:
    """Units have left a running sale, within the caller's transaction; repeated, it changes nothing."""
    loan = await _locked(connection, sale)
    if await _record(connection, sale, operation, -units, MADE, at_ms) and loan.closed_ms is None:
        await _move(connection, loan, -units)


async def _locked(connection: AsyncConnection, sale: SaleId) -> Row[Any]:
    """The sale's loan; nobody else changes or ends it before this transaction is over."""
    query = select(allocations).where(allocations.c.sale == sale).with_for_update()
    loan = (await connection.execute(query)).first()
    if loan is None:
        raise NotFound("allocation_not_found")
    return loan


async def _change(connection: AsyncConnection, operation: str) -> Row[Any] | None:
    query = select(allocation_changes).where(allocation_changes.c.operation == operation)
    return (await connection.execute(query)).first()


async def _record(
    connection: AsyncConnection, sale: SaleId, operation: str, units: int, outcome: str | None, at_ms: int
) -> bool:
    row = {"operation": operation, "sale": sale, "units": units, "outcome": outcome, "created_ms": at_ms}
    return await insert_new(connection, allocation_changes, row)


async def _move(connection: AsyncConnection, loan: Row[Any], units: int) -> None:
    lent = allocations.c.allocated + units
    await connection.execute(
        update(allocations).where(allocations.c.sale == loan.sale).values(allocated=lent)
    )
    on_hand = skus.c.on_hand - units
    await connection.execute(update(skus).where(skus.c.sku == loan.sku).values(on_hand=on_hand))
