"""Confirmed orders in SQL, as their buyers see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Any

import msgspec
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_connection import AWAY, reading
from livecommerce.adapters.sql_schema import orders, products, shops, shows, sql_outbox
from livecommerce.errors import Unavailable
from livecommerce.ids import OrderId, PersonId
from livecommerce.localized import LocalText
from livecommerce.orders import CardLine, ConfirmedOrder, Names, OrderCard, OrderLine, OrderRow

PAGE = 200
"""Orders that a buyer's list shows at most."""

NEWEST = 1_000_000_000
"""Above every version of the live order: SQL's word counts."""

_APPLIED = (
    select(sql_outbox.c.number)
    .where(
        sql_outbox.c.key == orders.c.order,
        sql_outbox.c.type == "order.confirmed",
        sql_outbox.c.state == "applied",
    )
    .exists()
    .label("applied")
)


class SqlOrders:
    """The order store's reading side."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, order: OrderId) -> tuple[PersonId, OrderRow] | None:
        """The buyer and the order, or ``None``."""
        found = await self._read(select(orders, _APPLIED).where(orders.c.order == order))
        return (PersonId(found[0][0]), found[0][1]) if found else None

    async def of_buyer(self, buyer: PersonId) -> list[OrderRow]:
        """A buyer's orders, newest first."""
        query = select(orders, _APPLIED).where(orders.c.buyer == buyer)
        found = await self._read(query.order_by(orders.c.confirmed_ms.desc()).limit(PAGE))
        return [row for _, row in found]

    async def names(self, cards: Sequence[OrderCard]) -> Names:
        """What the rooms and brands of live orders are called."""
        if not cards:
            return Names(rooms={}, shops={})
        try:
            async with reading(self._engine) as sql:
                return await _names(sql, [card.room for card in cards], [card.brand for card in cards])
        except AWAY as error:
            raise Unavailable("sql_away") from error

    async def _read(self, query: Select[Any]) -> list[tuple[str, OrderRow]]:
        try:
            async with reading(self._engine) as sql:
                records = (await sql.execute(query)).all()
                if not records:
                    return []
                names = await _names(
                    sql, [record.room for record in records], [record.brand for record in records]
                )
                items = await _items(sql, records)
        except AWAY as error:
            raise Unavailable("sql_away") from error
        return [(record.buyer, _row(record, names, items)) for record in records]


async def _names(sql: AsyncConnection, rooms: Iterable[str], brands: Iterable[str | None]) -> Names:
    titles = await sql.execute(select(shows.c.room, shows.c.title).where(shows.c.room.in_(set(rooms))))
    return Names(
        rooms={row.room: row.title for row in titles},
        shops=await _brand_names(sql, {brand for brand in brands if brand}),
    )


async def _brand_names(sql: AsyncConnection, wanted: Set[str]) -> dict[str, LocalText]:
    if not wanted:
        return {}
    called = await sql.execute(select(shops.c.shop, shops.c.name).where(shops.c.shop.in_(wanted)))
    return {row.shop: row.name for row in called}


async def _items(sql: AsyncConnection, records: Sequence[Row[Any]]) -> dict[str, tuple[LocalText, str]]:
    wanted = {line["product"] for record in records for line in record.document["lines"]}
    found = await sql.execute(
        select(products.c.product, products.c.title, products.c.image).where(products.c.product.in_(wanted))
    )
    return {product: (title, image) for product, title, image in found.all()}


def _row(record: Row[Any], names: Names, items: dict[str, tuple[LocalText, str]]) -> OrderRow:
    order = msgspec.convert(record.document, ConfirmedOrder)
    first = order.lines[0]
    title, image = items.get(first.product, ({"und": first.product}, ""))
    return OrderRow(
        order=order.order,
        v=NEWEST,
        state="sold",
        room=order.room,
        sale=order.sale,
        product=first.product,
        sku=first.sku,
        title=title,
        image=image,
        qty=sum(line.qty for line in order.lines),
        price_minor=first.unit_price_minor,
        discount_minor=sum(map(_discount_of, order.lines)),
        total_minor=order.total_minor,
        currency=order.currency,
        segment=order.segment,
        brand=order.brand,
        shop=order.shop,
        lines=tuple(_card_line(line, order, items) for line in order.lines) if len(order.lines) > 1 else (),
        shipping_minor=order.terms.shipping_minor,
        ships_within_hours=order.terms.ships_within_hours,
        return_window_days=order.terms.return_window_days,
        expires_ms=0,
        created_ms=order.created_ms,
        order_state=record.order_state,
        charge=record.charge_state,
        fulfillment=record.fulfillment_state,
        room_title=names.rooms.get(order.room, {}),
        brand_name=names.shops.get(order.brand or ""),
        paid_ms=order.confirmed_ms,
        ledger="applied" if record.applied else None,
    )


def _card_line(line: OrderLine, order: ConfirmedOrder, items: dict[str, tuple[LocalText, str]]) -> CardLine:
    title, image = items.get(line.product, ({"und": line.product}, ""))
    return CardLine(
        sale=line.sale or order.sale,
        product=line.product,
        sku=line.sku,
        title=title,
        image=image,
        qty=line.qty,
        price_minor=line.unit_price_minor,
        discount_minor=_discount_of(line),
    )


def _discount_of(line: OrderLine) -> int:
    return line.merchant_discount_minor + line.platform_discount_minor
