"""Rooms at a glance, on the real server."""

from __future__ import annotations

from msgspec.structs import replace

from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_live_rooms import RedisLiveRooms
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.room.events import ShowStarted
from livecommerce.room.presence import Attendance
from livecommerce.room.room import fold
from tests.rooms import a_room

ONE, TWO = "00" + "A" * 26, "01" + "B" * 26


async def test_rooms_of_several_shards_are_read_together(anywhere: Connection) -> None:
    rooms = RedisRooms(anywhere)
    states = {room: replace(a_room("scheduled"), room=room) for room in (ONE, TWO)}
    for state in states.values():
        await rooms.create(state)
    await rooms.beat("node1", {ONE: Attendance(3, 7)})
    await rooms.beat("node2", {ONE: Attendance(2, 0)})
    looks = await RedisLiveRooms(anywhere).look([TWO, ONE, "02" + "C" * 26])
    assert {room: look.state for room, look in looks.items()} == states
    assert {room: (look.viewers, look.likes) for room, look in looks.items()} == {ONE: (5, 7), TWO: (0, 0)}


async def test_a_glance_shows_what_has_happened(anywhere: Connection) -> None:
    rooms = RedisRooms(anywhere)
    state = replace(a_room("scheduled"), room=ONE)
    await rooms.create(state)
    loaded = await rooms.load(ONE)
    started = [ShowStarted(at_ms=5)]
    await rooms.append(ONE, "op", loaded.epoch, 0, started, fold(state, started))
    assert (await RedisLiveRooms(anywhere).look([ONE]))[ONE].state.phase == "live"


async def test_looking_at_nothing_asks_nobody(anywhere: Connection) -> None:
    assert await RedisLiveRooms(anywhere).look([]) == {}
