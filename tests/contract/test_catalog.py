"""The catalogue keeps products apart by shop, and its stock adds up."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Account
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_catalog import SqlCatalog
from livecommerce.adapters.sql_schema import shows
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.catalog import Product, Sku
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import UNSHARDED, PersonId, ProductId, RoomId, SaleId, ShopId, SkuId, named_id
from livecommerce.shop import Shop

SHOP, OTHER = ShopId("shop"), ShopId("other")
ROOM = RoomId("room")


def product(name: str, shop: ShopId = SHOP, on_hand: int = 10) -> Product:
    sku = Sku(sku=SkuId(f"{name}-1"), title={"en": "One"}, price_minor=1000, on_hand=on_hand)
    return Product(
        product=ProductId(name),
        shop=shop,
        title={"zh-CN": "伞", "en": "Umbrella"},
        image="/demo/umbrella.svg",
        category="home",
        currency="CNY",
        skus=(sku,),
    )


@pytest.fixture
async def catalog(database: AsyncEngine) -> SqlCatalog:
    for shop in (SHOP, OTHER):
        await SqlShops(database).add(Shop(shop=shop, name={"en": shop}), 1)
    host = Account(person="host", login="host", name="Host", password_hash="x")
    await SqlAccounts(database, lambda: 1).add(host)
    async with database.begin() as connection:
        await connection.execute(insert(shows).values(**show_row()))
    return SqlCatalog(database)


def show_row() -> dict[str, object]:
    return {
        "room": ROOM,
        "shop": SHOP,
        "host": PersonId("host"),
        "title": {"en": "Show"},
        "cover": "",
        "phase": "scheduled",
        "starts_ms": 0,
        "ends_ms": 1,
        "time_zone": "UTC",
        "created_ms": 0,
    }


async def test_a_product_is_found_by_shop_by_id_and_by_variant(catalog: SqlCatalog) -> None:
    await catalog.put(product("a"), 1)
    await catalog.put(product("b", OTHER), 2)
    assert await catalog.products_of(SHOP) == [product("a")]
    assert await catalog.products(["a", "b", "nothing"]) == {"a": product("a"), "b": product("b", OTHER)}
    assert await catalog.find_by_sku(SkuId("b-1")) == product("b", OTHER)
    with pytest.raises(NotFound):
        await catalog.find_by_sku(SkuId("c-1"))


async def test_putting_again_replaces_the_description_and_leaves_the_stock(catalog: SqlCatalog) -> None:
    await catalog.put(product("a"), 1)
    await catalog.allocate(SaleId("s"), SkuId("a-1"), 4, 2)
    await catalog.put(replace(product("a"), title={"en": "Better"}), 3)
    [found] = await catalog.products_of(SHOP)
    assert found.title == {"en": "Better"}
    assert found.skus[0].on_hand == 6


async def test_stock_is_counted_anew_only_when_asked(catalog: SqlCatalog) -> None:
    await catalog.put(product("a"), 1)
    await catalog.count_stock(SkuId("a-1"), 99)
    assert (await catalog.find_by_sku(SkuId("a-1"))).skus[0].on_hand == 99
    with pytest.raises(NotFound):
        await catalog.count_stock(SkuId("nothing"), 1)


async def test_the_shelf_keeps_its_order_and_takes_only_the_shops_own(catalog: SqlCatalog) -> None:
    for name in ("a", "b", "c"):
        await catalog.put(product(name), 1)
    await catalog.put(product("foreign", OTHER), 1)
    await catalog.set_shelf(ROOM, [ProductId("c"), ProductId("a")])
    with pytest.raises(NotFound, match="product_not_found"):
        await catalog.set_shelf(ROOM, [ProductId("foreign")])
    assert [one.product for one in await catalog.shelf(ROOM)] == ["c", "a"]
    await catalog.set_shelf(ROOM, [])
    assert await catalog.shelf(ROOM) == []


async def test_a_repeated_allocation_lends_once(catalog: SqlCatalog) -> None:
    await catalog.put(product("a", on_hand=10), 1)
    first = await catalog.allocate(SaleId("s"), SkuId("a-1"), 4, 2)
    assert await catalog.allocate(SaleId("s"), SkuId("a-1"), 4, 3) == first
    assert (await catalog.find_by_sku(SkuId("a-1"))).skus[0].on_hand == 6


async def test_more_than_is_on_hand_is_not_lent(catalog: SqlCatalog) -> None:
    await catalog.put(product("a", on_hand=3), 1)
    with pytest.raises(Conflict, match="stock_short"):
        await catalog.allocate(SaleId("s"), SkuId("a-1"), 4, 2)
    assert (await catalog.find_by_sku(SkuId("a-1"))).skus[0].on_hand == 3
    with pytest.raises(NotFound):
        await catalog.allocate(SaleId("s"), SkuId("nothing"), 1, 2)


async def test_what_was_not_sold_comes_back_once(catalog: SqlCatalog) -> None:
    await catalog.put(product("a", on_hand=10), 1)
    await catalog.allocate(SaleId("s"), SkuId("a-1"), 8, 2)
    ended = await catalog.take_back(SaleId("s"), 5, 3)
    assert (ended.sold, ended.returned) == (5, 3)
    assert await catalog.take_back(SaleId("s"), 5, 4) == ended
    assert (await catalog.find_by_sku(SkuId("a-1"))).skus[0].on_hand == 5
    with pytest.raises(NotFound):
        await catalog.take_back(SaleId("never"), 0, 4)


async def test_sales_that_ask_at_once_never_get_more_than_there_is(catalog: SqlCatalog) -> None:
    await catalog.put(product("a", on_hand=10), 1)

    async def ask(number: int) -> int:
        sale = SaleId(named_id(UNSHARDED, "sale", str(number)))
        try:
            return (await catalog.allocate(sale, SkuId("a-1"), 3, 2)).allocated
        except Conflict:
            return 0

    lent = await asyncio.gather(*(ask(number) for number in range(6)))
    assert sum(lent) == 9
    assert (await catalog.find_by_sku(SkuId("a-1"))).skus[0].on_hand == 1
