"""What is open of people in a room, read for many at once."""

from __future__ import annotations

from typing import Any

import pytest

from livecommerce.adapters.redis_connection import Connection, tag_of
from livecommerce.adapters.redis_records import RedisRecords
from livecommerce.clock import now_ms
from livecommerce.ids import OrderId, PersonId, RoomId, shard_of
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


async def test_who_was_away_when_a_hold_ended_is_told_so_for_a_quarter_of_an_hour(shop: Shop) -> None:
    sale = await shop.open_sale(5)
    held = await shop.buy(sale, "ann")
    ended = f"{tag_of(shop.room)}:ended"
    await shop.orders.cancel(OrderId(held.order.order), PersonId("ann"))
    assert await shown(shop, "ann") == [(held.order.order, "released")]

    stored: Any = await shop.redis.zrange(ended, 0, -1, withscores=True)
    [(member, until_ms)] = stored
    assert now_ms() < until_ms <= now_ms() + 900_000
    await shop.redis.zadd(ended, {member: now_ms() - 1})
    await shop.orders.forget(shard_of(shop.room), 10)
    assert await RedisRecords(shop.redis).read(shop.room, ["ann"]) == {}
    assert not await shop.redis.exists(ended)


async def test_an_order_that_was_paid_after_its_end_is_shown_on(shop: Shop) -> None:
    sale = await shop.open_sale(5)
    held = await shop.buy(sale, "ann")
    payment = await shop.begin_payment(held, "ann")
    await shop.expire(held)
    assert await shown(shop, "ann") == [(held.order.order, "expired")]

    await shop.capture(payment)
    assert await shown(shop, "ann") == [(held.order.order, "sold")]
    assert not await shop.redis.exists(f"{tag_of(shop.room)}:ended")


async def shown(shop: Shop, person: str) -> list[tuple[str, str]]:
    orders, _, _ = (await RedisRecords(shop.redis).read(shop.room, [person]))[person]
    return [(order.order, order.state) for order in orders]


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
