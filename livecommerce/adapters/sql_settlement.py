"""What happens to a confirmed order later: receipt, refunds, return postage, settlement.

Each change of an order and the letter that tells the ledger of it are one transaction, made once by its id.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_schema import orders, sql_outbox
from livecommerce.adapters.sql_transactions import insert_new, writes
from livecommerce.errors import Conflict, NotFound
from livecommerce.fail_points import reach
from livecommerce.ids import OrderId
from livecommerce.ledger.facts import Refund, ReturnPostage, Settlement
from livecommerce.orders import ConfirmedOrder

_DAY_MS = 86_400_000


class SqlSettlement:
    """Writes what later facts change; implements ``worker.settlement.Settlements``.

    Every method raises ``NotFound`` for an order that is not confirmed and ``Unavailable`` while SQL is away.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def received(self, order: OrderId, at_ms: int) -> None:
        """The buyer has the goods: the return window begins. Repeated, it changes nothing."""
        async with writes(self._engine) as connection:
            row = await _locked(connection, order)
            if row.received_ms is None:
                days = msgspec.convert(row.document, ConfirmedOrder).terms.return_window_days
                change = {"received_ms": at_ms, "settles_ms": at_ms + days * _DAY_MS}
                await _change(connection, order, fulfillment_state="received", **change)

    async def refunded(self, refund: Refund) -> bool:
        """The provider has given money back; answers whether this refund was new.

        Raises:
            Conflict: ``refund_too_large``, ``wrong_currency``.
        """
        async with writes(self._engine) as connection:
            row = await _locked(connection, refund.order)
            if not await _tell(connection, f"order.refunded:{refund.refund}", "order.refunded", refund):
                return False
            total = row.refunded_minor + refund.amount_minor
            if refund.currency != row.currency:
                raise Conflict("wrong_currency", currency=row.currency)
            if total > row.total_minor:
                raise Conflict("refund_too_large", left_minor=row.total_minor - row.refunded_minor)
            charge = "refunded" if total == row.total_minor else "partially_refunded"
            await _change(connection, refund.order, refunded_minor=total, charge_state=charge)
            return True

    async def postage_returned(self, postage: ReturnPostage) -> bool:
        """The buyer was given return postage; answers whether this parcel was new."""
        async with writes(self._engine) as connection:
            await _locked(connection, postage.order)
            event = f"order.postage_returned:{postage.parcel}"
            return await _tell(connection, event, "order.postage_returned", postage)

    async def settle_due(self, now_ms: int, count: int) -> int:
        """Settles orders whose return window is over, oldest first; answers how many."""
        async with writes(self._engine) as connection:
            due = await connection.execute(
                select(orders.c.order)
                .where(orders.c.settles_ms <= now_ms)
                .order_by(orders.c.settles_ms)
                .limit(count)
                .with_for_update(skip_locked=True)
            )
            settled = [OrderId(order) for order in due.scalars()]
            for order in settled:
                await _tell(
                    connection, "order.settled", "order.settled", Settlement(order=order, at_ms=now_ms)
                )
                await _change(connection, order, settles_ms=None, order_state="completed")
            reach("settlement.before_commit")
            return len(settled)


async def _locked(connection: AsyncConnection, order: str) -> Any:
    found = await connection.execute(select(orders).where(orders.c.order == order).with_for_update())
    row = found.one_or_none()
    if row is None:
        raise NotFound("order_not_found")
    return row


async def _change(connection: AsyncConnection, order: str, **values: Any) -> None:
    await connection.execute(update(orders).where(orders.c.order == order).values(**values))


async def _tell(
    connection: AsyncConnection, event: str, kind: str, fact: Refund | ReturnPostage | Settlement
) -> bool:
    letter = {
        "id": f"{fact.order}:{event}",
        "key": fact.order,
        "type": kind,
        "at_ms": fact.at_ms,
        "document": msgspec.to_builtins(fact),
        "state": "pending",
        "attempts": 0,
        "next_ms": 0,
        "leased_until_ms": 0,
    }
    return await insert_new(connection, sql_outbox, letter)
