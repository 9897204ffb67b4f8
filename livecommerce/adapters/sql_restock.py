"""Units of orders that go back in stock, because their merchant says so."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from livecommerce.adapters.sql_schema import restocks, skus
from livecommerce.aftersales.record import OrderRecord
from livecommerce.ids import UNSHARDED, named_id


async def put_back(
    connection: AsyncConnection, record: OrderRecord, units: Mapping[int, int], now_ms: int, cause: str
) -> dict[int, int]:
    """Puts units of lines in stock, as far as the merchant has them; answers how many of each line.

    A cause does so once; the caller looks first, by ``was_put_back``, and holds the order's lock. Variants
    are locked in the order of their ids, whatever order the lines are in.
    """
    skus_of = {line.line: line.sku for line in record.order.lines}
    done: dict[int, int] = {}
    for balance in sorted(record.balances(), key=lambda one: skus_of[one.line]):
        qty = min(units.get(balance.line, 0), balance.restockable)
        if qty > 0:
            order = record.order.order
            row = {"id": _id(order, balance.line, cause), "order": order, "line": balance.line, "qty": qty}
            await connection.execute(insert(restocks).values(**row, at_ms=now_ms))
            await connection.execute(
                update(skus).where(skus.c.sku == skus_of[balance.line]).values(on_hand=skus.c.on_hand + qty)
            )
            done[balance.line] = qty
    return done


async def was_put_back(connection: AsyncConnection, record: OrderRecord, cause: str) -> dict[int, int]:
    """How many units of each line a cause has put back; empty where it has not yet."""
    ids = [_id(record.order.order, line.line, cause) for line in record.order.lines]
    found = await connection.execute(select(restocks.c.line, restocks.c.qty).where(restocks.c.id.in_(ids)))
    return {row.line: row.qty for row in found}


def _id(order: str, line: int, cause: str) -> str:
    return named_id(UNSHARDED, "restock", order, str(line), cause)
