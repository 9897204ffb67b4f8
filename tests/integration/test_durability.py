"""What was acknowledged is there after the server was killed as by a power cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_library import load_library
from livecommerce.checkout import Held
from livecommerce.clock import now_ms
from livecommerce.errors import Unavailable
from livecommerce.ids import OrderId
from tests.selling import Shop, a_wish
from tests.servers import ValkeyServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server of this test's own, to be killed."""
    server = ValkeyServer(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def shop(server: ValkeyServer) -> AsyncIterator[Shop]:
    redis = connect(server.url)
    await load_library(redis)
    shop = Shop(redis)
    await shop.open_room()
    yield shop
    await redis.aclose()


async def buy_until_cut_off(shop: Shop, sale: str, acknowledged: list[Held]) -> None:
    """Buys in batches, without a pause, until the server is gone."""
    for turn in range(1_000_000):
        wishes = [a_wish(sale, f"{turn}-{number}", key=f"key-{turn}-{number}") for number in range(20)]
        answers = await shop.checkout.buy(wishes, now_ms())
        acknowledged += [answer for answer in answers if isinstance(answer, Held)]
        if any(isinstance(answer, Unavailable) for answer in answers):
            return


async def test_every_acknowledged_hold_is_found_again_after_a_kill(server: ValkeyServer, shop: Shop) -> None:
    sale = await shop.open_sale(1_000_000)
    acknowledged: list[Held] = []
    buying = asyncio.create_task(buy_until_cut_off(shop, sale, acknowledged))
    while len(acknowledged) < 500:  # noqa: ASYNC110 - holds come from the task, which has no event for it
        await asyncio.sleep(0.001)
    server.kill()
    await buying
    server.start()
    await shop.redis.connection_pool.disconnect()
    found = [await shop.orders.find(OrderId(held.order.order)) for held in acknowledged]
    assert [order.card if order else None for order in found] == [held.order for held in acknowledged]
    await shop.assert_lawful(sale)


async def test_a_wish_without_an_answer_is_cleared_up_by_its_key(server: ValkeyServer, shop: Shop) -> None:
    sale = await shop.open_sale(10, limit=10)
    first = await shop.buy(sale, "ann", key="12345678")
    server.kill()
    assert await shop.refused(sale, "ann", key="12345678") == "redis_away"
    server.start()
    again = await shop.buy(sale, "ann", key="12345678")
    assert again.order == first.order
    assert again.stocks[0].available == 9
    await shop.assert_lawful(sale)


async def test_a_payment_under_way_survives_a_kill(server: ValkeyServer, shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.buy(sale, "ann")
    payment = await shop.begin_payment(held, "ann")
    server.kill()
    server.start()
    await shop.redis.connection_pool.disconnect()
    assert await shop.capture(payment) == "applied"
    assert await shop.capture(payment) == "applied"
    assert len(await shop.told("order.confirmed")) == 1
    await shop.assert_lawful(sale)
