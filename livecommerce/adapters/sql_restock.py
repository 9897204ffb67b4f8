"""Units of orders that go back in stock, because their merchant says so."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from livecommerce.adapters.sql_schema import restocks, skus
from livecommerce.aftersales.record import OrderRecord
from livecommerce.ids import new_id


async def put_back(
    connection: AsyncConnection, record: OrderRecord, units: Mapping[int, int], now_ms: int
) -> dict[int, int]:
    """Puts units of lines in stock, as far as the merchant has them; answers how many of each line."""
    skus_of = {line.line: line.sku for line in record.order.lines}
    done: dict[int, int] = {}
    for balance in record.balances():
        qty = min(units.get(balance.line, 0), balance.restockable)
        if qty > 0:
            row = {"id": new_id(), "order": record.order.order, "line": balance.line, "qty": qty}
            await connection.execute(insert(restocks).values(**row, at_ms=now_ms))
            await connection.execute(
                update(skus).where(skus.c.sku == skus_of[balance.line]).values(on_hand=skus.c.on_hand + qty)
            )
            done[balance.line] = qty
    return done
