"""What follows a sale's first units, or leaves it early, is moved once and adds up."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_catalog import SqlCatalog
from livecommerce.adapters.sql_loans import SqlLoans, take_units_back
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.catalog import Product, Sku
from livecommerce.errors import Conflict, DomainError, NotFound
from livecommerce.ids import ProductId, SaleId, ShopId, SkuId, new_id
from livecommerce.shop import Shop

SKU = SkuId("a-1")


class Store:
    """A shop with ten umbrellas, four of them lent to a sale."""

    def __init__(self, database: AsyncEngine) -> None:
        self.database = database
        self.catalog = SqlCatalog(database)
        self.loans = SqlLoans(database)

    async def lend(self) -> SaleId:
        sale = SaleId(new_id())
        await self.catalog.allocate(sale, SKU, 4, 1)
        return sale

    async def on_hand(self) -> int:
        return (await self.catalog.find_by_sku(SKU)).skus[0].on_hand

    async def take_away(self, sale: SaleId, operation: str, units: int) -> None:
        async with self.database.begin() as connection:
            await take_units_back(connection, sale, operation, units, 3)


@pytest.fixture
async def store(database: AsyncEngine) -> Store:
    await SqlShops(database).add(Shop(shop=ShopId("shop"), name={"en": "Shop"}), 1)
    store = Store(database)
    sku = Sku(sku=SKU, title={"en": "One"}, price_minor=1000, on_hand=10)
    product = Product(
        product=ProductId("a"),
        shop=ShopId("shop"),
        title={"en": "Umbrella"},
        image="",
        category="home",
        currency="CNY",
        skus=(sku,),
    )
    await store.catalog.put(product, 1)
    return store


async def test_more_units_are_lent_once_per_operation(store: Store) -> None:
    sale = await store.lend()
    for _ in range(2):
        await store.loans.lend_more(sale, "more", 3, 2)
    assert await store.on_hand() == 3
    with pytest.raises(Conflict, match="key_reused"):
        await store.loans.lend_more(sale, "more", 2, 2)


async def test_more_than_is_on_hand_is_not_lent(store: Store) -> None:
    sale = await store.lend()
    with pytest.raises(Conflict, match="stock_short") as refused:
        await store.loans.lend_more(sale, "more", 7, 2)
    assert refused.value.params["on_hand"] == 6
    assert await store.loans.unconfirmed(100) == []


async def test_a_sale_that_was_lent_nothing_gets_nothing_more(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.loans.lend_more(SaleId("never"), "more", 1, 2)


async def test_what_is_called_off_is_on_hand_once_and_never_lent_again(store: Store) -> None:
    sale = await store.lend()
    await store.loans.lend_more(sale, "more", 3, 2)
    for _ in range(2):
        await store.loans.call_off(sale, "more")
    assert await store.on_hand() == 6
    with pytest.raises(Conflict, match="key_reused"):
        await store.loans.lend_more(sale, "more", 3, 2)


async def test_what_is_confirmed_is_not_called_off(store: Store) -> None:
    sale = await store.lend()
    await store.loans.lend_more(sale, "more", 3, 2)
    assert await store.loans.unconfirmed(3) == [(sale, "more")]
    assert await store.loans.unconfirmed(2) == []
    await store.loans.confirm("more")
    await store.loans.call_off(sale, "more")
    assert (await store.on_hand(), await store.loans.unconfirmed(100)) == (3, [])


async def test_a_loan_that_has_ended_takes_its_changes_along(store: Store) -> None:
    sale = await store.lend()
    await store.loans.lend_more(sale, "open", 2, 2)
    await store.catalog.take_back(sale, 1, 4)
    assert await store.on_hand() == 9
    await store.loans.call_off(sale, "open")
    await store.take_away(sale, "late", 2)
    assert await store.on_hand() == 9
    with pytest.raises(Conflict, match="sale_closed"):
        await store.loans.lend_more(sale, "again", 1, 5)


async def test_changes_and_the_end_of_a_loan_at_once_add_up(store: Store) -> None:
    sale = await store.lend()
    await asyncio.gather(
        *(store.loans.lend_more(sale, f"more{number}", 1, 2) for number in range(4)),
        *(store.take_away(sale, f"less{number}", 1) for number in range(2)),
        store.catalog.take_back(sale, 0, 3),
        return_exceptions=True,
    )
    assert await store.on_hand() == 10


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["lend", "confirm", "call_off", "take_away", "end"]),
        st.sampled_from("abc"),
        st.integers(1, 3),
    ),
    max_size=12,
)


@given(STEPS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_after_the_end_everything_that_was_not_sold_is_on_hand(
    store: Store, steps: list[tuple[str, str, int]]
) -> None:
    sale, before = await store.lend(), await store.on_hand() + 4
    for kind, name, units in steps:
        operation = sale[:20] + name
        try:
            if kind == "lend":
                await store.loans.lend_more(sale, operation, units, 2)
            elif kind == "confirm":
                await store.loans.confirm(operation)
            elif kind == "call_off":
                await store.loans.call_off(sale, operation)
            elif kind == "take_away":
                await store.take_away(sale, "less" + operation, 1)
            else:
                await store.catalog.take_back(sale, 0, 3)
        except DomainError:
            continue
    await store.catalog.take_back(sale, 0, 3)
    assert await store.on_hand() == before
