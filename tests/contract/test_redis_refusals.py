"""A server that is there and cannot serve: memory is used up, or it only reads."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.exceptions import ResponseError

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.redis_functions import call
from livecommerce.adapters.redis_library import load_library
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.checkout import Held
from livecommerce.clock import now_ms
from livecommerce.errors import Unavailable
from livecommerce.ids import OrderId, PersonId
from livecommerce.room.presence import Attendance
from tests.selling import SHARD, Shop, a_wish


@pytest.fixture
async def shop(redis: Connection) -> AsyncIterator[Shop]:
    shop = Shop(redis)
    await shop.open_room()
    yield shop
    await redis.config_set("maxmemory", 0)
    await redis.replicaof("NO", "ONE")


async def use_up_memory(shop: Shop) -> None:
    await shop.redis.config_set("maxmemory", 1)


async def test_holds_end_and_stock_returns_where_memory_is_used_up(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    ann, bob = await shop.buy(sale, "ann"), await shop.buy(sale, "bob")
    await shop.overdue(ann.order.order)
    await use_up_memory(shop)
    await shop.orders.sweep(SHARD, 10)
    await shop.orders.cancel(OrderId(bob.order.order), PersonId("bob"))
    assert [await shop.state_of(held.order.order) for held in (ann, bob)] == ["expired", "released"]
    await shop.inventory.close_sale(sale, 1)
    assert len(await shop.told("sale.closed")) == 1
    await shop.assert_lawful(sale)


async def test_money_is_taken_and_settled_where_memory_is_used_up(shop: Shop) -> None:
    sale = await shop.open_sale(2, limit=2)
    first, second = await shop.buy(sale, "ann"), await shop.buy(sale, "ann")
    await use_up_memory(shop)
    assert await shop.capture(await shop.begin_payment(first, "ann")) == "applied"
    payment = await shop.begin_payment(second, "ann")
    await shop.payments.keep_url(OrderId(second.order.order), payment, "http://pay.test/1")
    assert await shop.payments.due(SHARD, 1) == []
    assert await shop.capture(payment, 1) == "refund_due"
    assert len(await shop.payments.due_refunds(SHARD, 9)) == 1
    await shop.payments.refunded(payment, "rf")
    assert (await shop.payments.due_refunds(SHARD, 9)) == []


async def test_what_sql_has_is_freed_where_memory_is_used_up(shop: Shop) -> None:
    outbox = RedisOutbox(shop.redis, "projector", "one")
    sale = await shop.open_sale(1)
    held = await shop.sell(sale, "ann")
    records = await outbox.read(SHARD, 10, 1)
    await use_up_memory(shop)
    await shop.orders.projected(OrderId(held.order.order))
    await shop.redis.config_set("maxmemory", 0)
    await shop.redis.zadd(f"{tag(SHARD)}:projected", {held.order.order: 0}, xx=True)
    await use_up_memory(shop)
    assert await shop.orders.forget(SHARD, 10) == 1
    await outbox.acknowledge(SHARD, [record.position for record in records])
    assert (await outbox.lag(SHARD)).length == 0
    assert await shop.coupons.sweep(SHARD, 10) == 0


async def test_a_library_that_is_there_is_found_where_memory_is_used_up(shop: Shop) -> None:
    await use_up_memory(shop)
    await load_library(shop.redis)


async def test_a_wish_is_unavailable_where_memory_is_used_up(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    await use_up_memory(shop)
    assert await shop.refused(sale, "ann") == "redis_away"
    with pytest.raises(Unavailable, match="redis_away"):
        await shop.fund(1)
    with pytest.raises(Unavailable, match="redis_away"):
        await RedisRooms(shop.redis).beat("node", {shop.room: Attendance(viewers=1, likes=0)})


async def test_a_server_that_only_reads_is_unavailable(shop: Shop) -> None:
    await shop.redis.replicaof("127.0.0.1", "1")
    await shop.redis.config_set("replica-serve-stale-data", "yes")
    with pytest.raises(Unavailable, match="redis_away"):
        await shop.orders.sweep(SHARD, 1)
    with pytest.raises(Unavailable, match="redis_away"):
        await shop.orders.of_buyer(PersonId("ann"))


async def test_one_broken_sale_spoils_no_other_wish(shop: Shop) -> None:
    sale, broken = await shop.open_sale(1), await shop.open_sale(1)
    await shop.redis.set(f"{tag(SHARD)}:buyers:{broken}", "not a hash")
    wishes = [a_wish(one, "ann") for one in (broken, sale)]
    answers = await shop.checkout.buy(wishes, now_ms())
    assert [type(answer) for answer in answers] == [Unavailable, Held]


async def test_our_own_mistake_is_not_taken_for_an_absence(shop: Shop) -> None:
    with pytest.raises(ResponseError, match="Function not found"):
        await call(shop.redis, SHARD, "no_such_function_v1")
