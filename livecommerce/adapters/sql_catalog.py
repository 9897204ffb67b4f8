"""The catalogue in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_schema import (
    allocations,
    orders,
    products,
    segment_products,
    segments,
    shelf,
    shows,
    skus,
)
from livecommerce.adapters.sql_transactions import insert_new, reads, upsert, writes
from livecommerce.catalog import Allocation, Product, Sku
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import ProductId, RoomId, SaleId, ShopId, SkuId

_BOOKED = ("confirmed", "on_air")
_PART = 1_000


class SqlCatalog:
    """Products, shelves and stock; each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    # ------------------------------------------------------------ products

    async def put(self, product: Product, at_ms: int) -> None:
        """Adds a product, or replaces what is known of it; stock of known variants stays."""
        async with writes(self._engine) as connection:
            await put(connection, product, at_ms)

    async def count_stock(self, sku: SkuId, on_hand: int) -> None:
        """Sets a variant's units on hand, as counted in the store-room."""
        async with writes(self._engine) as connection:
            found = await connection.execute(update(skus).where(skus.c.sku == sku).values(on_hand=on_hand))
            if found.rowcount == 0:
                raise NotFound("sku_not_found")

    async def products_of(self, shop: ShopId) -> list[Product]:
        """A shop's products, oldest first."""
        query = (
            select(products)
            .where(products.c.shop == shop, products.c.archived_ms.is_(None))
            .order_by(products.c.created_ms, products.c.product)
        )
        async with reads(self._engine) as connection:
            return await load(connection, query)

    async def products(self, wanted: Sequence[str]) -> dict[str, Product]:
        """Products by id; unknown ones are left out."""
        query = select(products).where(products.c.product.in_(set(wanted)))
        async with reads(self._engine) as connection:
            return {product.product: product for product in await load(connection, query)}

    async def find_by_sku(self, sku: SkuId) -> Product:
        """The product that a variant belongs to."""
        query = select(products).join(skus).where(skus.c.sku == sku)
        async with reads(self._engine) as connection:
            found = await load(connection, query)
        if not found:
            raise NotFound("sku_not_found")
        return found[0]

    # ------------------------------------------------------------ shelves

    async def shelf(self, room: RoomId) -> list[Product]:
        """What can be shown in a show: its shelf in order, then the products of booked segments."""
        own = (
            select(products)
            .join(shelf, shelf.c.product == products.c.product)
            .where(shelf.c.room == room, products.c.archived_ms.is_(None))
            .order_by(shelf.c.position)
        )
        guests = (
            select(products)
            .join(segment_products, segment_products.c.product == products.c.product)
            .join(segments, segments.c.segment == segment_products.c.segment)
            .where(
                segments.c.room == room,
                segments.c.state.in_(_BOOKED),
                products.c.archived_ms.is_(None),
            )
            .order_by(segments.c.starts_ms, segment_products.c.position)
        )
        async with reads(self._engine) as connection:
            both = [*await load(connection, own), *await load(connection, guests)]
        return list({product.product: product for product in both}.values())

    async def set_shelf(self, room: RoomId, wanted: Sequence[ProductId]) -> None:
        """Puts products on a show's shelf, in this order, in place of what stood there."""
        ordered = list(dict.fromkeys(wanted))
        async with writes(self._engine) as connection:
            await connection.execute(select(shows.c.room).where(shows.c.room == room).with_for_update())
            known = await connection.scalars(
                select(products.c.product)
                .join(shows, shows.c.shop == products.c.shop)
                .where(
                    shows.c.room == room,
                    products.c.product.in_(ordered),
                    products.c.archived_ms.is_(None),
                )
            )
            missing = set(ordered) - set(known)
            if missing:
                raise NotFound("product_not_found", product=min(missing))
            await connection.execute(delete(shelf).where(shelf.c.room == room))
            if ordered:
                rows = [
                    {"room": room, "product": product, "position": position}
                    for position, product in enumerate(ordered)
                ]
                await connection.execute(insert(shelf), rows)

    # ------------------------------------------------------------ stock

    async def allocate(self, sale: SaleId, sku: SkuId, units: int, at_ms: int) -> Allocation:
        """Lends units to a sale, once per sale."""
        row = {"sale": sale, "sku": sku, "allocated": units, "created_ms": at_ms}
        async with writes(self._engine) as connection:
            on_hand = await connection.scalar(
                select(skus.c.on_hand).where(skus.c.sku == sku).with_for_update()
            )
            if on_hand is None:
                raise NotFound("sku_not_found")
            if not await insert_new(connection, allocations, row):
                return await _allocation(connection, sale)
            if on_hand < units:
                raise Conflict("stock_short", on_hand=on_hand)
            await _add_on_hand(connection, sku, -units)
            return Allocation(sale=sale, sku=sku, allocated=units)

    async def take_back(self, sale: SaleId, sold: int, at_ms: int) -> Allocation:
        """Ends a sale's loan: all units but the sold ones are on hand again."""
        async with writes(self._engine) as connection:
            return await take_back(connection, sale, sold, at_ms)

    async def open_allocations(self, before_ms: int) -> list[SaleId]:
        """Sales whose loan began before then, has not ended, and of which SQL has no order."""
        query = select(allocations.c.sale).where(
            allocations.c.closed_ms.is_(None),
            allocations.c.created_ms < before_ms,
            ~exists().where(orders.c.sale == allocations.c.sale),
        )
        async with reads(self._engine) as connection:
            return [SaleId(sale) for sale in await connection.scalars(query)]


async def put(connection: AsyncConnection, product: Product, at_ms: int) -> None:
    """Writes what is known of a product, within the caller's transaction; stock of known variants stays."""
    row = {
        "product": product.product,
        "shop": product.shop,
        "title": product.title,
        "image": product.image,
        "category": product.category,
        "currency": product.currency,
        "created_ms": at_ms,
    }
    await upsert(connection, products, row, keep=["created_ms", "shop"])
    for position, sku in enumerate(product.skus):
        variant = {
            "sku": sku.sku,
            "product": product.product,
            "title": sku.title,
            "price_minor": sku.price_minor,
            "on_hand": sku.on_hand,
            "position": position,
        }
        await upsert(connection, skus, variant, keep=["on_hand", "product"])


async def take_back(connection: AsyncConnection, sale: SaleId, sold: int, at_ms: int) -> Allocation:
    """Ends a sale's loan within the caller's transaction; repeated, it changes nothing."""
    await connection.execute(
        select(allocations.c.sale).where(allocations.c.sale == sale).with_for_update()
    )  # what is lent does not change until this is over
    lent = await _allocation(connection, sale)
    ended = (
        update(allocations)
        .where(allocations.c.sale == sale, allocations.c.closed_ms.is_(None))
        .values(sold=sold, returned=lent.allocated - sold, closed_ms=at_ms)
    )
    if (await connection.execute(ended)).rowcount == 1:
        await _add_on_hand(connection, lent.sku, lent.allocated - sold)
    return await _allocation(connection, sale)


async def _add_on_hand(connection: AsyncConnection, sku: SkuId, units: int) -> None:
    await connection.execute(update(skus).where(skus.c.sku == sku).values(on_hand=skus.c.on_hand + units))


async def _allocation(connection: AsyncConnection, sale: SaleId) -> Allocation:
    columns = (
        allocations.c.sale,
        allocations.c.sku,
        allocations.c.allocated,
        allocations.c.returned,
        allocations.c.sold,
    )
    found = (await connection.execute(select(*columns).where(allocations.c.sale == sale))).mappings().first()
    if found is None:
        raise NotFound("allocation_not_found")
    return Allocation(**found)


async def load(connection: AsyncConnection, query: Select[Any]) -> list[Product]:
    """The products of a query over ``products``, with their variants."""
    rows = (await connection.execute(query)).all()
    by_product = _grouped(await variants_of(connection, [row.product for row in rows]))
    return [
        Product(
            product=row.product,
            shop=row.shop,
            title=row.title,
            image=row.image,
            category=row.category,
            currency=row.currency,
            skus=tuple(by_product.get(row.product, ())),
        )
        for row in rows
    ]


async def variants_of(connection: AsyncConnection, of: Sequence[str]) -> list[Any]:
    """The rows of some products' variants, in order; asked for in parts: a statement has few parameters."""
    rows: list[Any] = []
    for start in range(0, len(of), _PART):
        part = skus.c.product.in_(of[start : start + _PART])
        rows += await connection.execute(select(skus).where(part).order_by(skus.c.position, skus.c.sku))
    return rows


def _grouped(variants: Iterable[Any]) -> dict[str, list[Sku]]:
    groups: dict[str, list[Sku]] = {}
    for row in variants:
        sku = Sku(sku=row.sku, title=row.title, price_minor=row.price_minor, on_hand=row.on_hand)
        groups.setdefault(row.product, []).append(sku)
    return groups
