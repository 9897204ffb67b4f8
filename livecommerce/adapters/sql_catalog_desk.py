"""Looking after the catalogue in SQL: each change and its entry in the audit trail are one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_catalog import load, put, variants_of
from livecommerce.adapters.sql_order_record import take_turns
from livecommerce.adapters.sql_schema import allocations, audit, products, skus
from livecommerce.adapters.sql_transactions import insert_new, reads, writes
from livecommerce.audit import AuditEntry
from livecommerce.catalog import Product
from livecommerce.catalog_desk import (
    By,
    Imported,
    Listing,
    Place,
    ProductChange,
    StockCount,
    Variant,
    changed,
    description,
    plan_import,
)
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import UNSHARDED, ProductId, ShopId, SkuId, named_id, new_id


class SqlCatalogDesk:
    """A shop's products; whoever changes them takes turns with others who change the same shop's."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    # ------------------------------------------------------------ looking

    async def page(
        self, shop: ShopId, after: Place | None, limit: int, *, is_archived: bool
    ) -> list[Listing]:
        """The next products after a place, oldest first."""
        archived = products.c.archived_ms.is_not(None) if is_archived else products.c.archived_ms.is_(None)
        query = select(products).where(products.c.shop == shop, archived)
        if after is not None:
            query = query.where(
                tuple_(products.c.created_ms, products.c.product) > (after.created_ms, after.product)
            )
        ordered = query.order_by(products.c.created_ms, products.c.product).limit(limit)
        async with reads(self._engine) as connection:
            return await _listings(connection, (await connection.execute(ordered)).all())

    async def find(self, shop: ShopId, product: ProductId) -> Listing:
        """One product."""
        query = select(products).where(products.c.product == product, products.c.shop == shop)
        async with reads(self._engine) as connection:
            found = await _listings(connection, (await connection.execute(query)).all())
        if not found:
            raise NotFound("product_not_found", product=product)
        return found[0]

    async def history(self, shop: ShopId, product: ProductId, limit: int) -> list[AuditEntry]:
        """What was done to a product and its stock, newest first."""
        await self.find(shop, product)
        query = (
            select(audit)
            .where(audit.c.subject == product)
            .order_by(audit.c.at_ms.desc(), audit.c.id.desc())
            .limit(limit)
        )
        async with reads(self._engine) as connection:
            return [AuditEntry(**row) for row in (await connection.execute(query)).mappings()]

    # ------------------------------------------------------------ products

    async def create(self, product: Product, by: By) -> None:
        """Adds a product."""
        async with writes(self._engine) as connection:
            await take_turns(connection, "catalog", product.shop)
            if await load(connection, select(products).where(products.c.product == product.product)):
                raise Conflict("product_exists")
            await _put(connection, None, product, by)

    async def change(self, shop: ShopId, product: ProductId, change: ProductChange, by: By) -> None:
        """Gives a product another description."""
        async with writes(self._engine) as connection:
            await take_turns(connection, "catalog", shop)
            before = await _product(connection, shop, product)
            after = changed(before, change)
            if description(after) != description(before):
                await _put(connection, before, after, by)

    async def archive(self, shop: ShopId, product: ProductId, by: By) -> None:
        """Puts a product away; sales of it that are on go on."""
        await self._put_away(shop, product, "product.archive", by.at_ms, by)

    async def restore(self, shop: ShopId, product: ProductId, by: By) -> None:
        """Takes a product out again."""
        await self._put_away(shop, product, "product.restore", None, by)

    async def _put_away(
        self, shop: ShopId, product: ProductId, action: str, archived_ms: int | None, by: By
    ) -> None:
        is_due = products.c.archived_ms.is_(None) if archived_ms else products.c.archived_ms.is_not(None)
        async with writes(self._engine) as connection:
            await take_turns(connection, "catalog", shop)
            await _product(connection, shop, product)
            done = await connection.execute(
                update(products).where(products.c.product == product, is_due).values(archived_ms=archived_ms)
            )
            if done.rowcount:
                await _note(connection, by, action, product, None, {"archived_ms": archived_ms})

    # ------------------------------------------------------------ stock

    async def set_stock(
        self, shop: ShopId, sku: SkuId, on_hand: int, expected: int | None, reason: str, by: By
    ) -> None:
        """Sets a variant's units on hand, as counted; units that are lent are not counted."""
        async with writes(self._engine) as connection:
            product, before = await _locked_stock(connection, shop, sku)
            if expected is not None and before != expected:
                raise Conflict("stock_changed", on_hand=before)
            count = StockCount(product=product, sku=sku, before=before, after=on_hand)
            await _count(connection, count, reason, by)

    async def adjust_stock(self, shop: ShopId, sku: SkuId, units: int, reason: str, key: str, by: By) -> None:
        """Adds units, or takes some away; once, however often it is asked for with the same key."""
        async with writes(self._engine) as connection:
            product, on_hand = await _locked_stock(connection, shop, sku)
            entry = named_id(UNSHARDED, "stock", sku, key)
            told = await connection.scalar(select(audit.c.after).where(audit.c.id == entry))
            if told is not None:
                if (told["units"], told["reason"]) != (units, reason):
                    raise Conflict("key_reused")
                return
            if on_hand + units < 0:
                raise Conflict("stock_short", on_hand=on_hand)
            await _set_on_hand(connection, sku, on_hand + units)
            after = {"sku": sku, "on_hand": on_hand + units, "units": units, "reason": reason}
            before = {"sku": sku, "on_hand": on_hand}
            await _note(connection, by, "stock.adjust", product, before, after, entry)

    # ------------------------------------------------------------ files

    async def bring_in(
        self, shop: ShopId, goods: Sequence[Product], by: By, *, set_stock: bool, dry_run: bool
    ) -> Imported:
        """Adds and updates the products of a file, all or none; a dry run only says what it would do."""
        async with writes(self._engine) as connection:
            await take_turns(connection, "catalog", shop)
            known: dict[str, Product] = {
                one.product: one
                for one in await load(connection, select(products).where(products.c.shop == shop))
            }
            plan = plan_import(known, goods, set_stock=set_stock)
            await _refuse_taken(connection, [*plan.created, *(after for _, after in plan.changed)])
            if dry_run:
                return plan.report
            for product in plan.created:
                await _put(connection, None, product, by)
            for before, after in plan.changed:
                await _put(connection, before, after, by)
            for count in plan.counted:
                product_id, on_hand = await _locked_stock(connection, shop, count.sku)
                now = msgspec.structs.replace(count, product=product_id, before=on_hand)
                await _count(connection, now, "import", by)
        return plan.report


async def _put(connection: AsyncConnection, before: Product | None, after: Product, by: By) -> None:
    await _refuse_taken(connection, [after])
    await put(connection, after, by.at_ms)
    was = None if before is None else description(before)
    action = "product.create" if before is None else "product.change"
    await _note(connection, by, action, after.product, was, description(after))


async def _refuse_taken(connection: AsyncConnection, goods: Sequence[Product]) -> None:
    """Refuses variants that belong to other products: orders and loans know them there."""
    owners = {sku.sku: product.product for product in goods for sku in product.skus}
    wanted = list(owners)
    for start in range(0, len(wanted), 1_000):
        part = skus.c.sku.in_(wanted[start : start + 1_000])
        for row in await connection.execute(select(skus.c.sku, skus.c.product).where(part)):
            if row.product != owners[row.sku]:
                raise Conflict("sku_exists", sku=row.sku, product=row.product)


async def _product(connection: AsyncConnection, shop: ShopId, product: ProductId) -> Product:
    found = await load(
        connection, select(products).where(products.c.product == product, products.c.shop == shop)
    )
    if not found:
        raise NotFound("product_not_found", product=product)
    return found[0]


async def _locked_stock(connection: AsyncConnection, shop: ShopId, sku: SkuId) -> tuple[ProductId, int]:
    """A variant's product and its units on hand, which nobody else changes until the transaction ends."""
    query = (
        select(skus.c.product, skus.c.on_hand)
        .join(products, products.c.product == skus.c.product)
        .where(skus.c.sku == sku, products.c.shop == shop)
        .with_for_update(of=skus)
    )
    found = (await connection.execute(query)).one_or_none()
    if found is None:
        raise NotFound("sku_not_found")
    return ProductId(found.product), int(found.on_hand)


async def _count(connection: AsyncConnection, count: StockCount, reason: str, by: By) -> None:
    if count.before == count.after:
        return
    await _set_on_hand(connection, count.sku, count.after)
    before = {"sku": count.sku, "on_hand": count.before}
    after = {"sku": count.sku, "on_hand": count.after, "reason": reason}
    await _note(connection, by, "stock.set", count.product, before, after)


async def _set_on_hand(connection: AsyncConnection, sku: SkuId, on_hand: int) -> None:
    await connection.execute(update(skus).where(skus.c.sku == sku).values(on_hand=on_hand))


async def _note(
    connection: AsyncConnection,
    by: By,
    action: str,
    product: str,
    before: Any,
    after: Any,
    entry: str = "",
) -> None:
    deed = AuditEntry(
        id=entry or new_id(),
        at_ms=by.at_ms,
        actor=by.actor,
        action=action,
        subject=product,
        before=before,
        after=after,
        request=by.request,
    )
    await insert_new(connection, audit, msgspec.structs.asdict(deed))


async def _listings(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Listing]:
    of = [row.product for row in rows]
    lent = await _lent(connection, of)
    by_product: dict[str, list[Variant]] = {}
    for row in await variants_of(connection, of):
        variant = Variant(
            sku=row.sku,
            title=row.title,
            price_minor=row.price_minor,
            on_hand=row.on_hand,
            lent=lent.get(row.sku, 0),
        )
        by_product.setdefault(row.product, []).append(variant)
    return [Listing(**row._mapping, skus=tuple(by_product.get(row.product, ()))) for row in rows]


async def _lent(connection: AsyncConnection, of: Sequence[str]) -> dict[str, int]:
    query = (
        select(allocations.c.sku, func.sum(allocations.c.allocated))
        .join(skus, skus.c.sku == allocations.c.sku)
        .where(skus.c.product.in_(of), allocations.c.closed_ms.is_(None))
        .group_by(allocations.c.sku)
    )
    return {sku: int(units) for sku, units in await connection.execute(query)}
