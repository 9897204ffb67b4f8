"""Servers of a cluster die, come back and hand over slots: what that means for rooms and for stock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis.crc import key_slot

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_bus import RedisBus
from livecommerce.adapters.redis_connection import AWAY, Connection, tag_of
from livecommerce.adapters.redis_library import load_library
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.checkout import Held
from livecommerce.clock import now_ms
from livecommerce.errors import Unavailable
from livecommerce.ids import OrderId, RoomId, new_id, shard_names, shard_of
from livecommerce.room import room as rules
from livecommerce.room.bus import Control, Publication
from livecommerce.room.live import LiveRoom
from tests.cluster import ClusterServer, ValkeyCluster, running_cluster, serves_all, until
from tests.proxy import cutting_proxy
from tests.rooms import a_product, a_room
from tests.selling import Shop, a_wish

PATIENCE_SECONDS = 20.0


@pytest.fixture
def hurt(cluster: ValkeyCluster, redis_cluster: Connection) -> Iterator[ValkeyCluster]:
    """The session's cluster, made whole again after the test."""
    yield cluster
    for server in cluster.servers:
        if not server.running:
            server.start()
    until(lambda: all(serves_all(server) for server in cluster.servers))


class Copy:
    """A gateway's copy of a room that hears the bus, as far as it matters here."""

    def __init__(self, live: LiveRoom) -> None:
        self.live = live
        self.behind = False
        self.news = asyncio.Event()

    def hear(self, publication: Publication) -> None:
        assert isinstance(publication, Control)
        if not self.live.absorb(publication.epoch, [publication.event]):
            self.behind = True
        self.news.set()


class Gateway:
    """The rooms of one gateway."""

    def __init__(self, redis: Connection) -> None:
        self.store = RedisRooms(redis)
        self.bus = RedisBus(redis, self._fall_behind)
        self.copies: dict[str, Copy] = {}

    async def serve(self, room: str) -> Copy:
        live = LiveRoom(await self.store.load(room), self.store, lambda _: None, lambda: None)
        copy = self.copies[room] = Copy(live)
        await self.bus.subscribe(room, copy.hear)
        return copy

    def _fall_behind(self) -> None:
        for copy in self.copies.values():
            copy.behind = True
            copy.news.set()

    async def hears(self, room: str, offset: int) -> None:
        """Waits until the copy is there, catching up where it was told to."""
        copy = self.copies[room]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while copy.live.offset < offset:
                copy.news.clear()
                if copy.behind:
                    copy.behind = False
                    await copy.live.catch_up()
                else:
                    await copy.news.wait()


@asynccontextmanager
async def gateway(redis: Connection) -> AsyncIterator[Gateway]:
    served = Gateway(redis)
    running = asyncio.create_task(served.bus.run())
    try:
        await served.bus.ready()
        yield served
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def rooms_apart(redis: Connection) -> list[str]:
    """A room on each server."""
    found: dict[Connection, str] = {}
    for shard in shard_names(32):
        room = new_id(shard)
        found.setdefault(await redis.server_of(tag_of(room)), room)
    store = RedisRooms(redis)
    for room in found.values():
        await store.create(replace(a_room(), room=room))
    return list(found.values())


def pin(name: str) -> rules.Decide:
    return lambda state: rules.pin(state, a_product(name), now_ms())


async def served_again(attempt: Callable[[], Awaitable[object]]) -> None:
    """Tries, as people do, until a command is not refused any more."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await attempt()
            except Unavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_killed_primary_takes_only_its_own_rooms_away_and_loses_nothing(
    hurt: ValkeyCluster, redis_cluster: Connection
) -> None:
    async with gateway(redis_cluster) as here, gateway(redis_cluster) as there:
        rooms = await rooms_apart(redis_cluster)
        for room in rooms:
            await there.serve(room)
            await (await here.serve(room)).live.command(pin("tea"))
        shop = Shop(redis_cluster, RoomId(new_id(shard_of(rooms[0]))))
        await shop.open_room()
        sale = await shop.open_sale(3)
        held = await shop.buy(sale, "ann")
        killed = hurt.owner(tag_of(rooms[0]))
        killed.kill()
        for room in rooms[1:]:
            await here.copies[room].live.command(pin("umbrella"))
            await there.hears(room, 2)
        with pytest.raises(Unavailable):
            await here.copies[rooms[0]].live.command(pin("umbrella"))
        assert not isinstance(await shop.try_buy(sale, "bea"), Held)
        before = here.copies[rooms[0]].live.epoch
        killed.start()
        await served_again(lambda: here.copies[rooms[0]].live.command(pin("teapot")))
        await there.hears(rooms[0], here.copies[rooms[0]].live.offset)
        assert there.copies[rooms[0]].live.state == here.copies[rooms[0]].live.state
        assert there.copies[rooms[0]].live.epoch == before
        await served_again(lambda: buy(shop, sale, "bea"))
        found = await shop.orders.find(OrderId(held.order.order))
        assert found is not None
        await shop.assert_lawful(sale)


async def buy(shop: Shop, sale: str, buyer: str) -> None:
    answer = await shop.try_buy(sale, buyer)
    if isinstance(answer, Unavailable):
        raise answer


async def test_wishes_for_a_server_that_is_away_are_no_other_wishes_trouble(
    hurt: ValkeyCluster, redis_cluster: Connection
) -> None:
    rooms = await rooms_apart(redis_cluster)
    shops = [Shop(redis_cluster, RoomId(new_id(shard_of(room)))) for room in rooms]
    sales = []
    for shop in shops:
        await shop.open_room()
        sales.append(await shop.open_sale(3))
    checkout = shops[0].checkout
    before = await checkout.buy([a_wish(sale, "ann") for sale in sales], now_ms())
    assert all(isinstance(answer, Held) for answer in before)
    hurt.owner(tag_of(rooms[0])).kill()
    gone, *others = await checkout.buy([a_wish(sale, "bea") for sale in sales], now_ms())
    assert isinstance(gone, Unavailable)
    assert all(isinstance(answer, Held) for answer in others)


async def test_a_replica_takes_its_rooms_over_and_selling_there_waits_for_the_operator(
    tmp_path: Path,
) -> None:
    with running_cluster(tmp_path) as own_cluster:
        await take_over(own_cluster)


async def take_over(own_cluster: ValkeyCluster) -> None:
    redis = connect(own_cluster.url)
    await load_library(redis)
    async with gateway(redis) as here, gateway(redis) as there:
        room, *_ = await rooms_apart(redis)
        await there.serve(room)
        live = (await here.serve(room)).live
        await live.command(pin("tea"))
        primary = own_cluster.owner(tag_of(room))
        replica = own_cluster.add_replica(primary)
        shop = Shop(redis, RoomId(new_id(shard_of(room))))
        await shop.open_room()
        with pytest.raises(Unavailable, match="not_durable") as refused:
            await shop.open_sale(3)
        assert "may take over" in str(refused.value.params["reason"])
        primary.kill()
        until(lambda: owns(replica, room))
        await served_again(lambda: live.command(pin("umbrella")))
        await there.hears(room, live.offset)
        assert there.copies[room].live.state == live.state
    await redis.aclose()


def owns(server: ClusterServer, room: str) -> bool:
    slot = key_slot(tag_of(room).encode())
    return any(
        first <= slot <= last and primary[1] == server.port
        for first, last, primary, *_ in server.ask("CLUSTER", "SLOTS")
    )


async def test_a_slot_that_moves_takes_its_room_and_its_listeners_along(
    cluster: ValkeyCluster, redis_cluster: Connection
) -> None:
    async with gateway(redis_cluster) as here, gateway(redis_cluster) as there:
        room, *_ = await rooms_apart(redis_cluster)
        await there.serve(room)
        live = (await here.serve(room)).live
        await live.command(pin("tea"))
        source = cluster.owner(tag_of(room))
        target = cluster.others(source)[0]
        slot = key_slot(tag_of(room).encode())
        source.ask("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target.name)
        until(lambda: cluster.owner(tag_of(room)) is target)
        await served_again(lambda: live.command(pin("umbrella")))
        await there.hears(room, 2)
        await live.command(pin("teapot"))
        await there.hears(room, 3)
        assert there.copies[room].live.state == live.state


async def test_a_slot_that_is_handed_over_key_by_key_is_not_served_meanwhile(
    cluster: ValkeyCluster, redis_cluster: Connection
) -> None:
    room, *_ = await rooms_apart(redis_cluster)
    store = RedisRooms(redis_cluster)
    live = LiveRoom(await store.load(room), store, lambda _: None, lambda: None)
    await live.command(pin("tea"))
    slot = key_slot(tag_of(room).encode())
    source = cluster.owner(tag_of(room))
    target = cluster.others(source)[0]
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.name)
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.name)
    with pytest.raises(Unavailable):
        await live.command(pin("umbrella"))
    for server in (source, target):
        server.ask("CLUSTER", "SETSLOT", slot, "STABLE")
    await live.command(pin("umbrella"))
    assert (await store.load(room)).state == live.state
    assert live.offset == 2


async def test_a_cluster_client_never_repeats_a_command_whose_answer_is_lost(
    hurt: ValkeyCluster, redis_cluster: Connection
) -> None:
    server = hurt.servers[0]
    key = next(key for key in map(str, range(100)) if hurt.owner(key) is server)
    async with cutting_proxy(server.port) as proxy:
        server.ask("CONFIG", "SET", "cluster-announce-port", proxy.port)
        until(lambda: all(announced(other, proxy.port) for other in hurt.servers))
        through = connect(hurt.url)
        await through.set(key, 0)
        proxy.cuts = 1
        with pytest.raises(AWAY):
            await through.incr(key)
        await through.aclose()
        server.ask("CONFIG", "SET", "cluster-announce-port", 0)
        until(lambda: all(announced(other, server.port) for other in hurt.servers))
    assert proxy.cuts == 0
    assert server.ask("GET", key) == "1"


def announced(server: ClusterServer, port: int) -> bool:
    return any(primary[1] == port for _, _, primary, *_ in server.ask("CLUSTER", "SLOTS"))
