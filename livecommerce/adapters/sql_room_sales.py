"""What rooms have sold, counted from confirmed orders."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_schema import orders
from livecommerce.adapters.sql_transactions import reads
from livecommerce.money import Money


class SqlRoomSales:
    """Sums over the orders table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of_rooms(self, rooms: Sequence[str]) -> dict[str, tuple[int, Money]]:
        """Room → number of orders and money paid; rooms without orders are left out.

        A room that sold in several currencies shows the one with the most orders.
        """
        number = func.count().label("number")
        query = (
            select(orders.c.room, orders.c.currency, number, func.sum(orders.c.total_minor).label("paid"))
            .where(orders.c.room.in_(set(rooms)))
            .group_by(orders.c.room, orders.c.currency)
            .order_by(number)
        )
        async with reads(self._engine) as connection:
            rows = await connection.execute(query)
            return {row.room: (row.number, Money(int(row.paid), row.currency)) for row in rows}
