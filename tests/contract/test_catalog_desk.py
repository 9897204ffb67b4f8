"""What is changed in a catalogue is kept with what it was before, in one transaction, on every database."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Account
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_catalog import SqlCatalog
from livecommerce.adapters.sql_catalog_desk import SqlCatalogDesk
from livecommerce.adapters.sql_schema import shows
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.catalog import Product
from livecommerce.catalog_desk import By, Imported, Place, ProductChange, SkuChange
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import ProductId, SaleId, SkuId
from livecommerce.shop import Shop
from tests.contract.test_catalog import OTHER, ROOM, SHOP, product, show_row

UMBRELLA = ProductId("a")
BLUE = SkuId("a-1")
BETTER = ProductChange(
    title={"en": "Better"}, image="/demo/b.svg", category="home", skus=[SkuChange(sku=BLUE, price_minor=900)]
)


class Desk:
    """The desk, the stock that sales borrow from, and a clock."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.desk = SqlCatalogDesk(engine)
        self.catalog = SqlCatalog(engine)
        self._at_ms = 0

    def by(self) -> By:
        """The merchant, a moment later than before."""
        self._at_ms += 1
        return By(actor="merchant", at_ms=self._at_ms, request="r")

    async def create(self, *names: str) -> None:
        for name in names:
            await self.desk.create(product(name), self.by())

    async def on_hand(self, sku: SkuId = BLUE) -> int:
        return (await self.catalog.find_by_sku(sku)).variant(sku).on_hand

    async def actions(self, of: ProductId = UMBRELLA) -> list[str]:
        return [deed.action for deed in reversed(await self.desk.history(SHOP, of, 100))]

    async def bring_in(self, *goods: Product, set_stock: bool = False, dry_run: bool = False) -> Imported:
        return await self.desk.bring_in(SHOP, goods, self.by(), set_stock=set_stock, dry_run=dry_run)


@pytest.fixture
async def office(database: AsyncEngine) -> Desk:
    for shop in (SHOP, OTHER):
        await SqlShops(database).add(Shop(shop=shop, name={"en": shop}), 1)
    host = Account(person="host", login="host", name="Host", password_hash="x")
    await SqlAccounts(database, lambda: 1).add(host)
    async with database.begin() as connection:
        await connection.execute(insert(shows).values(**show_row()))
    return Desk(database)


async def test_a_change_is_kept_with_what_was_before_and_who_made_it(office: Desk) -> None:
    await office.create("a")
    await office.desk.change(SHOP, UMBRELLA, BETTER, office.by())
    latest, first = await office.desk.history(SHOP, UMBRELLA, 100)
    assert (first.action, first.before) == ("product.create", None)
    assert (latest.action, latest.actor, latest.request) == ("product.change", "merchant", "r")
    assert (latest.before["title"]["en"], latest.after["title"]["en"]) == ("Umbrella", "Better")
    assert (latest.before["skus"][0]["price_minor"], latest.after["skus"][0]["price_minor"]) == (1000, 900)


async def test_a_change_that_changes_nothing_is_no_history(office: Desk) -> None:
    await office.create("a")
    for _ in range(2):
        await office.desk.change(SHOP, UMBRELLA, BETTER, office.by())
    assert await office.actions() == ["product.create", "product.change"]


async def test_a_change_leaves_stock_and_loans_alone(office: Desk) -> None:
    await office.create("a")
    await office.catalog.allocate(SaleId("s"), BLUE, 4, 2)
    await office.desk.change(SHOP, UMBRELLA, BETTER, office.by())
    [variant] = (await office.desk.find(SHOP, UMBRELLA)).skus
    assert (variant.on_hand, variant.lent) == (6, 4)
    assert (await office.catalog.take_back(SaleId("s"), 1, 3)).returned == 3
    assert await office.on_hand() == 9


async def test_a_new_code_is_a_new_variant_however_often_it_is_named(office: Desk) -> None:
    await office.create("a")
    more = replace(BETTER, skus=[*BETTER.skus, SkuChange(sku="red", price_minor=950, title={"en": "Red"})])
    for _ in range(2):
        await office.desk.change(SHOP, UMBRELLA, more, office.by())
    found = (await office.desk.find(SHOP, UMBRELLA)).skus
    assert [(sku.title["en"], sku.on_hand) for sku in found] == [("Better", 10), ("Red", 0)]


async def test_a_product_is_created_once_and_takes_no_variant_of_another(office: Desk) -> None:
    await office.create("a")
    with pytest.raises(Conflict, match="product_exists"):
        await office.create("a")
    thief = replace(product("b"), skus=product("a").skus)
    with pytest.raises(Conflict, match="sku_exists"):
        await office.desk.create(thief, office.by())
    with pytest.raises(NotFound):
        await office.desk.find(SHOP, ProductId("b"))


async def test_what_is_put_away_is_on_no_shelf_and_its_loans_still_come_back(office: Desk) -> None:
    await office.create("a", "b")
    await office.catalog.set_shelf(ROOM, [UMBRELLA, ProductId("b")])
    await office.catalog.allocate(SaleId("s"), BLUE, 4, 2)
    for _ in range(2):
        await office.desk.archive(SHOP, UMBRELLA, office.by())
    assert [one.product for one in await office.catalog.shelf(ROOM)] == ["b"]
    assert [one.product for one in await office.catalog.products_of(SHOP)] == ["b"]
    with pytest.raises(NotFound, match="product_not_found"):
        await office.catalog.set_shelf(ROOM, [UMBRELLA])
    await office.catalog.take_back(SaleId("s"), 4, 3)
    assert await office.on_hand() == 6
    await office.desk.restore(SHOP, UMBRELLA, office.by())
    assert [one.product for one in await office.catalog.shelf(ROOM)] == ["a", "b"]
    assert await office.actions() == ["product.create", "product.archive", "product.restore"]


async def test_counted_stock_is_set_unless_it_is_not_what_was_expected(office: Desk) -> None:
    await office.create("a")
    await office.desk.set_stock(SHOP, BLUE, 7, 10, "counted", office.by())
    with pytest.raises(Conflict, match="stock_changed"):
        await office.desk.set_stock(SHOP, BLUE, 9, 10, "counted", office.by())
    assert await office.on_hand() == 7
    latest = (await office.desk.history(SHOP, UMBRELLA, 1))[0]
    assert (latest.before, latest.after) == (
        {"sku": BLUE, "on_hand": 10},
        {"sku": BLUE, "on_hand": 7, "reason": "counted"},
    )


async def test_an_adjustment_happens_once_for_each_key_whoever_asks_at_once(office: Desk) -> None:
    await office.create("a")

    async def adjust(units: int, key: str) -> None:
        await office.desk.adjust_stock(SHOP, BLUE, units, "broken", key, office.by())

    await asyncio.gather(*(adjust(-3, "k") for _ in range(4)), *(adjust(1, f"k{n}") for n in range(4)))
    assert await office.on_hand() == 11
    with pytest.raises(Conflict, match="key_reused"):
        await adjust(-2, "k")
    with pytest.raises(Conflict, match="stock_short"):
        await adjust(-12, "more")
    assert await office.on_hand() == 11
    assert (await office.actions()).count("stock.adjust") == 5


async def test_adjustments_and_sales_that_come_at_once_never_make_stock_negative(office: Desk) -> None:
    await office.create("a")

    async def take(number: int) -> int:
        try:
            if number % 2:
                return (await office.catalog.allocate(SaleId(f"s{number}"), BLUE, 3, 2)).allocated
            await office.desk.adjust_stock(SHOP, BLUE, -3, "gone", f"k{number}", office.by())
        except Conflict:
            return 0
        return 3

    taken = await asyncio.gather(*(take(number) for number in range(8)))
    assert (sum(taken), await office.on_hand()) == (9, 1)


async def test_another_shops_goods_are_not_there(office: Desk) -> None:
    await office.create("a")
    by = office.by()
    for asked in (
        office.desk.find(OTHER, UMBRELLA),
        office.desk.change(OTHER, UMBRELLA, BETTER, by),
        office.desk.archive(OTHER, UMBRELLA, by),
        office.desk.history(OTHER, UMBRELLA, 1),
        office.desk.set_stock(OTHER, BLUE, 1, None, "x", by),
        office.desk.adjust_stock(OTHER, BLUE, 1, "x", "k", by),
    ):
        with pytest.raises(NotFound):
            await asked
    assert await office.on_hand() == 10


async def test_a_file_says_beforehand_what_it_then_does(office: Desk) -> None:
    await office.create("a", "b")
    goods = (replace(product("a", on_hand=99), title={"en": "New"}), product("b"), product("c"))
    plan = await office.bring_in(*goods, set_stock=True, dry_run=True)
    assert plan == Imported(created=1, changed=1, unchanged=1, stock_set=1)
    assert (await office.actions(), await office.on_hand()) == (["product.create"], 10)
    assert await office.bring_in(*goods, set_stock=True) == plan
    assert await office.on_hand() == 99
    assert await office.bring_in(*goods, set_stock=True) == Imported(
        created=0, changed=0, unchanged=3, stock_set=0
    )


async def test_a_file_that_is_wrong_in_one_place_changes_nothing(office: Desk) -> None:
    await office.create("a")
    thief = replace(product("c"), skus=product("a").skus)
    with pytest.raises(Conflict, match="sku_exists"):
        await office.bring_in(product("b"), thief)
    assert [one.product for one in await office.catalog.products_of(SHOP)] == ["a"]


async def test_pages_follow_each_other_and_leave_nothing_out(office: Desk) -> None:
    await office.create("c", "a", "d", "b")
    seen, place = [], None
    while found := await office.desk.page(SHOP, place, 3, is_archived=False):
        seen += [one.product for one in found]
        place = Place(created_ms=found[-1].created_ms, product=found[-1].product)
    assert seen == ["c", "a", "d", "b"]
    assert await office.desk.page(SHOP, None, 3, is_archived=True) == []
