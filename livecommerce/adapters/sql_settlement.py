"""Settlement and return postage.

Each change of an order and the letter that tells the ledger of it are one transaction, made once by its id.
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_letters import tell
from livecommerce.adapters.sql_schema import orders
from livecommerce.adapters.sql_transactions import writes
from livecommerce.errors import NotFound
from livecommerce.fail_points import reach
from livecommerce.ids import OrderId
from livecommerce.ledger.facts import ReturnPostage, Settlement


class SqlSettlement:
    """Implements ``worker.settlement.Settlements``. Raises ``Unavailable`` while SQL is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def postage_returned(self, postage: ReturnPostage) -> bool:
        """The buyer was given return postage; answers whether this parcel was new.

        Raises:
            NotFound: ``order_not_found``.
        """
        async with writes(self._engine) as connection:
            known = select(orders.c.order).where(orders.c.order == postage.order).with_for_update()
            if await connection.scalar(known) is None:
                raise NotFound("order_not_found")
            event = f"order.postage_returned:{postage.parcel}"
            return await tell(connection, event, "order.postage_returned", postage)

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
                settlement = Settlement(order=order, at_ms=now_ms)
                await tell(connection, "order.settled", "order.settled", settlement)
            await connection.execute(
                update(orders)
                .where(orders.c.order.in_(settled))
                .values(settles_ms=None, order_state="completed")
            )
            reach("settlement.before_commit")
            return len(settled)
