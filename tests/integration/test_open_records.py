"""What is open of people reaches them: many at once when they join, and again where something was missed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from msgspec.structs import replace

from livecommerce.orders import OrderCard
from livecommerce.room.bus import Control
from livecommerce.room.events import SlowMode
from tests.gateway import Client, TestGateway, running_gateway
from tests.rooms import ROOM

LIN, ANN = "zz" + "L" * 26, "zz" + "A" * 26


def an_order(state: str = "held", v: int = 1) -> OrderCard:
    return OrderCard(
        order="00" + "O" * 26,
        room=ROOM,
        sale="sale",
        product="p-tea",
        sku="sku-tea",
        title={"en": "Tea"},
        image="",
        qty=1,
        price_minor=100,
        discount_minor=0,
        total_minor=100,
        currency="CNY",
        segment=None,
        brand=None,
        v=v,
        state=state,
        created_ms=1,
        expires_ms=2,
        pay_url="",
    )


async def test_a_buyer_who_joins_is_told_of_open_orders_and_nobody_else_is() -> None:
    async with running_gateway() as gateway:
        gateway.records.orders[LIN] = [an_order()]
        async with (
            gateway.viewer(gateway.token(LIN, "Lin")) as lin,
            gateway.viewer(gateway.token(ANN)) as ann,
        ):
            assert (await lin.until("order"))["order"]["state"] == "held"
            assert (await ann.ask(t="ping"))["t"] == "pong"
            assert "order" not in [message["t"] for message in ann.heard]


async def test_all_who_join_while_records_are_read_share_the_next_read() -> None:
    async with running_gateway() as gateway, AsyncExitStack() as stack:
        gate = gateway.records.gate = asyncio.Event()
        people = [f"zz{number:026}" for number in range(10)]
        gateway.records.orders = {person: [an_order()] for person in people}
        viewers = [await join(stack, gateway, person) for person in people]
        gate.set()
        for viewer in viewers:
            await viewer.until("order")
        assert gateway.records.reads == [1, 9]


async def join(stack: AsyncExitStack, gateway: TestGateway, person: str) -> Client:
    return await stack.enter_async_context(gateway.viewer(gateway.token(person, "P")))


async def test_what_happened_to_an_order_while_the_bus_was_away_is_told_afterwards() -> None:
    async with running_gateway() as gateway, gateway.viewer(gateway.token(LIN, "Lin")) as lin:
        beating = asyncio.create_task(gateway.rooms.run())
        gateway.records.orders[LIN] = [replace(an_order(), v=2, state="sold")]
        gateway.rooms.all_behind()
        assert (await lin.until("order"))["order"]["state"] == "sold"
        served = gateway.rooms.find(ROOM)
        assert served is not None
        assert LIN in served.buyers
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def test_it_is_told_too_where_a_gap_in_the_events_was_noticed_first() -> None:
    async with running_gateway() as gateway, gateway.viewer(gateway.token(LIN, "Lin")) as lin:
        gateway.records.orders[LIN] = [an_order()]
        gateway.rooms.all_behind()
        gateway.store.tell(ROOM, [SlowMode(at_ms=1, seconds=3), SlowMode(at_ms=2, seconds=0)])
        last = gateway.store.logs[ROOM][-1]
        await gateway.bus.publish(ROOM, Control(gateway.store.rooms[ROOM].epoch, last.offset, last))
        assert (await lin.until("order"))["order"]["state"] == "held"


async def test_where_records_cannot_be_read_those_who_joined_are_told_that_it_may_pass() -> None:
    async with running_gateway() as gateway:
        gateway.records.away = True
        async with gateway.viewer(gateway.token(LIN, "Lin")) as lin:
            refusal = await lin.until("error")
            assert (refusal["code"], refusal["temporary"]) == ("redis_away", True)


async def test_a_person_cannot_ask_more_over_many_connections_than_over_one() -> None:
    async with running_gateway() as gateway, AsyncExitStack() as stack:
        tabs = [await join(stack, gateway, LIN) for _ in range(4)]
        refused = [
            answer["code"]
            for answer in [await tabs[number % 4].ask(t="unpin", product="p-tea") for number in range(80)]
        ]
        assert refused[0] == "moderator_only"
        assert "too_many_commands" in refused
        other = await join(stack, gateway, ANN)
        assert (await other.ask(t="unpin", product="p-tea"))["code"] == "moderator_only"
