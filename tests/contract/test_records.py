"""What is open of people in a room, read for many at once."""

from __future__ import annotations

import pytest

from livecommerce.adapters.redis_connection import Connection, tag_of
from livecommerce.adapters.redis_records import RedisRecords
from livecommerce.ids import OrderId, PersonId, RoomId
from tests.selling import Shop


@pytest.fixture
async def shop(anywhere: Connection) -> Shop:
    shop = Shop(anywhere)
    await shop.open_room()
    return shop


async def test_only_those_who_have_something_are_answered_each_with_their_own(shop: Shop) -> None:
    sale = await shop.open_sale(5)
    held, other = await shop.buy(sale, "ann"), await shop.buy(sale, "bob")
    found = await RedisRecords(shop.redis).read(shop.room, ["nobody", "ann", "bob", "somebody"])
    assert {who: [order.order for order in orders] for who, (orders, _, _) in found.items()} == {
        "ann": [held.order.order],
        "bob": [other.order.order],
    }


async def test_what_was_given_back_is_open_no_longer(shop: Shop) -> None:
    sale = await shop.open_sale(5)
    held = await shop.buy(sale, "ann")
    await shop.orders.cancel(OrderId(held.order.order), PersonId("ann"))
    assert await RedisRecords(shop.redis).read(shop.room, ["ann"]) == {}


async def test_another_room_is_not_looked_at(shop: Shop) -> None:
    sale = await shop.open_sale(5)
    await shop.buy(sale, "ann")
    elsewhere = RoomId(shop.room[:2] + "Z" * 26)
    assert await RedisRecords(shop.redis).read(elsewhere, ["ann"]) == {}


async def test_a_record_that_cannot_be_read_spoils_no_other(shop: Shop) -> None:
    sale = await shop.open_sale(5)
    held = await shop.buy(sale, "ann")
    await shop.redis.hset(f"{tag_of(shop.room)}:mine:{shop.room}:ann", "broken", "{")
    orders, _, _ = (await RedisRecords(shop.redis).read(shop.room, ["ann"]))["ann"]
    assert [order.order for order in orders] == [held.order.order]
