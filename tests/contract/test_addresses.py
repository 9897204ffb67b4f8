"""Address books, deliveries and people on both databases."""

from __future__ import annotations

import pytest
from msgspec.structs import asdict, replace
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Account, Membership
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_addresses import SqlAddressBooks, SqlDeliveries
from livecommerce.adapters.sql_people import SqlPeople
from livecommerce.adapters.sql_schema import orders, persons, shops
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.addresses import (
    MAX_ADDRESSES,
    Address,
    AddressId,
    BookedAddress,
    Delivery,
    DeliveryDesk,
    plain,
)
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import OrderId, PersonId, ShopId
from livecommerce.shop import Policy
from tests.unit.test_addresses import ELSEWHERE, HANGZHOU

ANN, BOB = PersonId("ann"), PersonId("bob")
ORDER = OrderId("order")


@pytest.fixture
def books(database: AsyncEngine) -> SqlAddressBooks:
    return SqlAddressBooks(database)


@pytest.fixture
def deliveries(database: AsyncEngine) -> SqlDeliveries:
    return SqlDeliveries(database)


def booked(name: str, address: Address = HANGZHOU, *, is_default: bool = False) -> BookedAddress:
    return BookedAddress(**asdict(address), address=AddressId(name), is_default=is_default)


async def names(books: SqlAddressBooks) -> list[tuple[str, bool]]:
    return [(one.address, one.is_default) for one in await books.of_person(ANN)]


async def an_order(database: AsyncEngine, state: str = "confirmed") -> None:
    """A paid order of Ann's."""
    row = {
        "order": ORDER,
        "room": "room",
        "shop": "shop",
        "buyer": ANN,
        "sale": "sale",
        "currency": "CNY",
        "total_minor": 1,
        "refunded_minor": 0,
        "order_state": state,
        "charge_state": "full",
        "fulfillment_state": "unfulfilled",
        "document": {},
        "confirmed_ms": 1,
    }
    async with database.begin() as connection:
        await connection.execute(insert(orders).values(row))


async def test_a_book_has_one_default_address_the_first_unless_another_is_made_it(
    books: SqlAddressBooks,
) -> None:
    for at_ms, address in enumerate([booked("a"), booked("b"), booked("c", is_default=True)]):
        await books.put(ANN, address, at_ms)
    assert await names(books) == [("c", True), ("b", False), ("a", False)]
    await books.remove(ANN, AddressId("c"))
    assert await names(books) == [("b", True), ("a", False)]


async def test_an_address_can_be_changed_and_stays_where_it_is(books: SqlAddressBooks) -> None:
    await books.put(ANN, booked("a"), 1)
    await books.put(ANN, booked("a", ELSEWHERE), 2)
    (found,) = await books.of_person(ANN)
    assert (plain(found), found.is_default) == (ELSEWHERE, True)


async def test_nobody_touches_the_book_of_somebody_else(books: SqlAddressBooks) -> None:
    await books.put(ANN, booked("a"), 1)
    with pytest.raises(NotFound, match="address_not_found"):
        await books.put(BOB, booked("a", ELSEWHERE), 2)
    await books.remove(BOB, AddressId("a"))
    assert await books.of_person(ANN) == [booked("a", is_default=True)]
    assert await books.of_person(BOB) == []


async def test_a_book_is_full_at_some_point(books: SqlAddressBooks) -> None:
    for number in range(MAX_ADDRESSES):
        await books.put(ANN, booked(f"a{number}"), number)
    with pytest.raises(Conflict, match="address_book_full"):
        await books.put(ANN, booked("more"), 99)
    await books.put(ANN, booked("a0", ELSEWHERE), 99)


async def test_an_order_keeps_its_address_whatever_becomes_of_the_book(
    books: SqlAddressBooks, deliveries: SqlDeliveries
) -> None:
    desk = DeliveryDesk(books, deliveries)
    await books.put(ANN, booked("a"), 1)
    await books.put(ANN, booked("b", ELSEWHERE), 2)
    await desk.settle(ORDER, ANN, "b", "ring twice", True, 3)
    await books.remove(ANN, AddressId("b"))
    await desk.settle(ORDER, ANN, "", None, True, 4)
    kept = Delivery(order=ORDER, buyer=ANN, address=ELSEWHERE, note="ring twice")
    assert await deliveries.find([ORDER]) == {ORDER: kept}
    await desk.settle(ORDER, ANN, "a", None, True, 5)
    assert await deliveries.find([ORDER]) == {ORDER: replace(kept, address=HANGZHOU)}


async def test_what_is_sent_needs_an_address_and_what_is_not_sent_has_none(
    books: SqlAddressBooks, deliveries: SqlDeliveries
) -> None:
    desk = DeliveryDesk(books, deliveries)
    with pytest.raises(Conflict, match="address_missing"):
        await desk.settle(ORDER, ANN, "", None, True, 1)
    await books.put(BOB, booked("bobs"), 1)
    with pytest.raises(Conflict, match="address_missing"):
        await desk.settle(ORDER, ANN, "bobs", None, True, 1)
    await desk.settle(ORDER, ANN, "", "by mail", False, 1)
    (kept,) = (await deliveries.find([ORDER])).values()
    assert (kept.address, kept.note) == (None, "by mail")


async def test_an_address_chosen_for_an_order_that_was_never_paid_is_forgotten(
    database: AsyncEngine, deliveries: SqlDeliveries
) -> None:
    await an_order(database)
    for order in (ORDER, OrderId("unpaid")):
        await deliveries.put(Delivery(order=order, buyer=ANN, address=HANGZHOU), 5)
    assert await deliveries.prune(5) == 0
    assert await deliveries.prune(6) == 1
    assert list(await deliveries.find([ORDER, OrderId("unpaid")])) == [ORDER]


async def test_a_person_can_have_everything_that_names_them_and_have_it_forgotten(
    database: AsyncEngine, books: SqlAddressBooks, deliveries: SqlDeliveries
) -> None:
    people, accounts = SqlPeople(database), SqlAccounts(database, lambda: 1)
    roles = (Membership("host", "shop"),)
    await accounts.add(Account(person=ANN, login="ann", name="Ann", password_hash="x", roles=roles))
    await books.put(ANN, booked("a"), 1)
    await an_order(database)
    await deliveries.put(Delivery(order=ORDER, buyer=ANN, address=HANGZHOU, note="hello"), 1)
    known = await people.export(ANN)
    assert {name: len(rows) for name, rows in known.items()} == {
        "account": 1,
        "roles": 1,
        "addresses": 1,
        "orders": 1,
        "deliveries": 1,
        "actions": 0,
    }
    assert "password_hash" not in known["account"][0]
    with pytest.raises(Conflict, match="orders_open"):
        await people.erase(ANN)
    async with database.begin() as connection:
        await connection.execute(update(orders).values(order_state="completed"))
    for _ in range(2):
        await people.erase(ANN)
    assert await accounts.find_by_login("ann") is None
    assert await books.of_person(ANN) == []
    (kept,) = (await deliveries.find([ORDER])).values()
    assert (kept.address, kept.note) == (None, "")
    async with database.connect() as connection:
        assert await connection.scalar(select(persons.c.name)) == ""


async def test_nobody_is_not_found(database: AsyncEngine) -> None:
    for action in (SqlPeople(database).export, SqlPeople(database).erase):
        with pytest.raises(NotFound, match="person_not_found"):
            await action(PersonId("nobody"))


async def test_a_shop_has_the_policy_that_it_set_last_and_else_the_usual_one(database: AsyncEngine) -> None:
    store = SqlShops(database)
    async with database.begin() as connection:
        for shop in ("a", "b"):
            await connection.execute(insert(shops).values(shop=shop, name={"en": shop}, created_ms=1))
    for days in (15, 30):
        policy = Policy(return_window_days=days, shipping_minor=800, free_shipping_from_minor=9_900)
        await store.set_policy(ShopId("a"), policy)
    assert await store.policies_of(["a", "b"]) == {"a": policy, "b": Policy()}
