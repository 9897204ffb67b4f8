"""The bus between gateways: the fake, one server, and a cluster with rooms on each of its servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from livecommerce.adapters.redis_bus import RedisBus
from livecommerce.adapters.redis_connection import Connection, tag_of
from livecommerce.errors import Unavailable
from livecommerce.ids import Shard, new_id, shard_names
from livecommerce.room.bus import Bus, Crowd, Publication
from tests.fakes import FakeBus
from tests.rooms import a_comment

PATIENCE_SECONDS = 15.0
ROOMS = [new_id(shard) for shard in shard_names(12)]
"""So many that each of three servers holds some."""


class Ear:
    """What one gateway hears of one room."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._news = asyncio.Event()

    def __call__(self, publication: Publication) -> None:
        assert isinstance(publication, Crowd)
        self.heard += [comment.comment for comment in publication.comments]
        self._news.set()

    async def until(self, comment: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while comment not in self.heard:
                self._news.clear()
                await self._news.wait()


def say(comment: str) -> Crowd:
    return Crowd("node", (a_comment(comment),))


@asynccontextmanager
async def gateway(redis: Connection, behind: list[None]) -> AsyncIterator[RedisBus]:
    """A gateway's bus that is being run; ``behind`` grows when rooms may have missed something."""
    bus = RedisBus(redis, lambda: behind.append(None))
    running = asyncio.create_task(bus.run())
    try:
        yield bus
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture(params=["fake", "redis", "redis_cluster"])
def redis_or_none(request: pytest.FixtureRequest) -> Connection | None:
    return None if request.param == "fake" else request.getfixturevalue(request.param)


@pytest.fixture
async def buses(redis_or_none: Connection | None) -> AsyncIterator[tuple[Bus, Bus]]:
    """Two gateways."""
    if redis_or_none is None:
        shared = FakeBus()
        yield shared, shared
        return
    async with gateway(redis_or_none, []) as one, gateway(redis_or_none, []) as two:
        yield one, two


async def test_what_one_gateway_publishes_every_gateway_hears(buses: tuple[Bus, Bus]) -> None:
    here, there = Ear(), Ear()
    await buses[0].subscribe(ROOMS[0], here)
    await buses[1].subscribe(ROOMS[0], there)
    await buses[0].publish(ROOMS[0], say("c1"))
    await here.until("c1")
    await there.until("c1")


async def test_rooms_of_every_server_are_heard_in_order_and_apart(buses: tuple[Bus, Bus]) -> None:
    ears = {room: Ear() for room in ROOMS}
    for room, ear in ears.items():
        await buses[1].subscribe(room, ear)
    for number in range(20):
        for room in ROOMS:
            await buses[0].publish(room, say(f"{room} {number}"))
    for room, ear in ears.items():
        await ear.until(f"{room} 19")
        assert ear.heard == [f"{room} {number}" for number in range(20)]


async def test_a_room_that_was_let_go_is_heard_no_longer(buses: tuple[Bus, Bus]) -> None:
    gone, kept = Ear(), Ear()
    await buses[0].subscribe(ROOMS[0], gone)
    await buses[0].subscribe(ROOMS[1], kept)
    await buses[0].unsubscribe(ROOMS[0])
    await buses[0].publish(ROOMS[0], say("c1"))
    await buses[0].publish(ROOMS[1], say("c2"))
    await kept.until("c2")
    assert gone.heard == []


async def test_who_subscribes_before_the_bus_is_connected_waits_for_it(anywhere: Connection) -> None:
    ear, bus = Ear(), RedisBus(anywhere, lambda: None)
    subscribing = asyncio.create_task(bus.subscribe(ROOMS[0], ear))
    await asyncio.sleep(0)
    running = asyncio.create_task(bus.run())
    await subscribing
    await bus.publish(ROOMS[0], say("c1"))
    await ear.until("c1")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_lost_connection_is_made_anew_and_the_rooms_are_told(anywhere: Connection) -> None:
    ears, behind = {room: Ear() for room in ROOMS}, list[None]()
    async with gateway(anywhere, behind) as bus:
        for room, ear in ears.items():
            await bus.subscribe(room, ear)
        assert behind == []
        for server in await anywhere.servers():
            await server.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not behind or not await all_hear(anywhere):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        for room, ear in ears.items():
            await bus.publish(room, say(f"after {room}"))
            await ear.until(f"after {room}")
    assert behind


async def all_hear(redis: Connection) -> bool:
    """Whether each room has its subscriber again."""
    counts: list[int] = []
    for room in ROOMS:
        server = await redis.server_of(tag_of(room))
        answer: Any = await server.pubsub_shardnumsub(f"{tag_of(room)}:room:{room}")
        counts += [count for _, count in answer]
    return set(counts) == {1}


async def test_rooms_cannot_be_heard_while_nobody_runs_the_bus(
    anywhere: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livecommerce.adapters.redis_bus.CONFIRM_SECONDS", 0.01)
    with pytest.raises(Unavailable):
        await RedisBus(anywhere, lambda: None).subscribe(ROOMS[0], Ear())


async def test_a_shard_without_rooms_needs_no_reader(redis_cluster: Connection) -> None:
    async with gateway(redis_cluster, []) as bus:
        await bus.ready()
        ear = Ear()
        room = new_id(Shard("00"))
        await bus.subscribe(room, ear)
        await bus.publish(room, say("c1"))
        await ear.until("c1")
