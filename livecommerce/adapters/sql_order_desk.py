"""Orders in SQL as merchants look for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_order_record import read_records
from livecommerce.adapters.sql_schema import (
    order_lines,
    orders,
    parcels,
    persons,
    products,
    refunds,
    returns,
    shops,
    shows,
    skus,
    sql_outbox,
)
from livecommerce.adapters.sql_transactions import reads
from livecommerce.aftersales.desk import TABS, Labels, OrderFilter, Place
from livecommerce.aftersales.record import OrderRecord
from livecommerce.aftersales.states import OPEN_REFUNDS, OPEN_RETURNS
from livecommerce.ids import OrderId
from livecommerce.ledger.facts import Fact, read_fact
from livecommerce.localized import LocalText

MAX_ROOMS = 100

_o = orders.c


class SqlOrderDesk:
    """Implements ``aftersales.desk.OrderDesk``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, order: OrderId) -> OrderRecord | None:
        """One order, or ``None``."""
        async with reads(self._engine) as connection:
            found = await read_records(connection, select(orders).where(_o.order == order))
        return found[0] if found else None

    async def search(self, wanted: OrderFilter, after: Place | None, limit: int) -> list[OrderRecord]:
        """The next orders after a place, newest first."""
        query = select(orders).where(_matches(wanted), _TABS[wanted.tab])
        if after is not None:
            place = tuple_(literal(after.confirmed_ms), literal(after.order))
            query = query.where(tuple_(_o.confirmed_ms, _o.order) < place)
        query = query.order_by(_o.confirmed_ms.desc(), _o.order.desc()).limit(limit)
        async with reads(self._engine) as connection:
            return await read_records(connection, query)

    async def counts(self, wanted: OrderFilter) -> dict[str, int]:
        """How many orders stand under each tab."""
        columns = [func.coalesce(func.sum(case((_TABS[tab], 1), else_=0)), 0).label(tab) for tab in TABS]
        async with reads(self._engine) as connection:
            row = (await connection.execute(select(*columns).where(_matches(wanted)))).one()
        return {tab: int(getattr(row, tab)) for tab in TABS}

    async def rooms(self, owners: Sequence[str] | None) -> dict[str, LocalText]:
        """Rooms that have sold goods of these shops, the last first."""
        last = func.max(_o.confirmed_ms)
        query = select(_o.room).where(_owned(owners)).group_by(_o.room).order_by(last.desc()).limit(MAX_ROOMS)
        async with reads(self._engine) as connection:
            found = list(await connection.scalars(query))
            titles = await _texts(connection, shows.c.room, shows.c.title, found)
        return {room: titles.get(room, {}) for room in found}

    async def labels(self, records: Sequence[OrderRecord]) -> Labels:
        """What the things in orders are called; unknown ones are left out."""
        told = [record.order for record in records]
        lines = [line for order in told for line in order.lines]
        sold = [line.product for line in lines]
        async with reads(self._engine) as connection:
            return Labels(
                products=await _texts(connection, products.c.product, products.c.title, sold),
                images=await _texts(connection, products.c.product, products.c.image, sold),
                skus=await _texts(connection, skus.c.sku, skus.c.title, [line.sku for line in lines]),
                rooms=await _texts(connection, shows.c.room, shows.c.title, [one.room for one in told]),
                shops=await _texts(connection, shops.c.shop, shops.c.name, [one.shop for one in told]),
                people=await _texts(
                    connection, persons.c.person, persons.c.name, [one.buyer for one in told]
                ),
            )

    async def facts(self, order: OrderId) -> list[Fact]:
        """Everything that the ledger was told of an order, in order."""
        query = (
            select(sql_outbox.c.type, sql_outbox.c.document)
            .where(sql_outbox.c.key == order, sql_outbox.c.state != "dropped")
            .order_by(sql_outbox.c.number)
        )
        async with reads(self._engine) as connection:
            return [read_fact(row.type, row.document) for row in await connection.execute(query)]


def _has(table: Any, states: Iterable[str]) -> ColumnElement[bool]:
    return exists().where(table.c.order == _o.order, table.c.state.in_(list(states)))


_TABS: dict[str, ColumnElement[bool]] = {
    "all": true(),
    "to_ship": and_(
        _o.order_state == "confirmed", _o.fulfillment_state.in_(["unfulfilled", "partially_shipped"])
    ),
    "on_the_way": and_(_o.order_state == "confirmed", _o.fulfillment_state.in_(["shipped", "delivered"])),
    "returns": _has(returns, OPEN_RETURNS),
    "refunds": or_(
        _has(refunds, OPEN_REFUNDS),
        and_(_o.order_state == "canceled", _o.charge_state != "refunded"),
    ),
    "completed": _o.order_state == "completed",
    "canceled": _o.order_state == "canceled",
}
"""A canceled order whose money is still here had its refund refused: somebody must see to it."""


def _owned(owners: Sequence[str] | None) -> ColumnElement[bool]:
    return true() if owners is None else _o.shop.in_(list(owners))


def _matches(wanted: OrderFilter) -> ColumnElement[bool]:
    conditions = [_owned(wanted.shops)]
    if wanted.room:
        conditions.append(_o.room == wanted.room)
    if wanted.from_ms is not None:
        conditions.append(_o.confirmed_ms >= wanted.from_ms)
    if wanted.to_ms is not None:
        conditions.append(_o.confirmed_ms < wanted.to_ms)
    if wanted.text:
        conditions.append(_speaks_of(wanted.text))
    return and_(*conditions)


def _speaks_of(words: str) -> ColumnElement[bool]:
    title = func.lower(cast(products.c.title, Text))
    of_product = (
        exists()
        .where(order_lines.c.order == _o.order, order_lines.c.product == products.c.product)
        .where(title.contains(words.lower(), autoescape=True))
    )
    in_parcel = exists().where(parcels.c.order == _o.order, parcels.c.tracking == words)
    return or_(_o.order.startswith(words.upper(), autoescape=True), of_product, in_parcel)


async def _texts(connection: AsyncConnection, key: Any, text: Any, wanted: Iterable[str]) -> dict[str, Any]:
    ids = set(wanted)
    if not ids:
        return {}
    rows = await connection.execute(select(key, text).where(key.in_(ids)))
    return {row[0]: row[1] for row in rows}
