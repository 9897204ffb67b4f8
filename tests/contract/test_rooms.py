"""What every room store promises, the fake's and the real one's."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pytest import FixtureRequest

from livecommerce.adapters.redis_connection import Connection, tag_of
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.errors import NotFound
from livecommerce.room import room as rules
from livecommerce.room.events import RoomEvent
from livecommerce.room.live import Stale
from livecommerce.room.presence import SILENT_MS, Attendance
from tests.fakes import FakeRooms
from tests.rooms import ROOM, a_product, a_room

Store = FakeRooms | RedisRooms


@pytest.fixture(params=["fake", "redis", "redis_cluster"])
def store(request: FixtureRequest) -> Store:
    if request.param == "fake":
        return FakeRooms()
    redis: Connection = request.getfixturevalue(request.param)
    return RedisRooms(redis)


async def append(store: Store, operation: str, offset: int, events: Sequence[RoomEvent]) -> int:
    loaded = await store.load(ROOM)
    state = rules.fold(loaded.state, events)
    return await store.append(ROOM, operation, loaded.epoch, offset, events, state)


async def test_a_new_room_is_as_it_was_created(store: Store) -> None:
    await store.create(a_room())
    loaded = await store.load(ROOM)
    assert (loaded.offset, loaded.state) == (0, a_room())


async def test_creating_again_changes_nothing(store: Store) -> None:
    await store.create(a_room("scheduled"))
    epoch = (await store.load(ROOM)).epoch
    await store.create(a_room("live"))
    loaded = await store.load(ROOM)
    assert (loaded.epoch, loaded.state.phase) == (epoch, "scheduled")


async def test_an_unknown_room_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.load(ROOM)


async def test_appended_events_are_in_the_state_and_in_the_log(store: Store) -> None:
    await store.create(a_room())
    events = [*rules.pin(a_room(), a_product(), 1), *rules.mute("troll", 60, 1)]
    assert await append(store, "op", 0, events) == 2
    loaded = await store.load(ROOM)
    assert (loaded.offset, loaded.state) == (2, rules.fold(a_room(), events))
    log = await store.events_after(ROOM, loaded.epoch, 0)
    assert log is not None
    assert [event.offset for event in log] == [1, 2]
    assert rules.fold(a_room(), log) == loaded.state


async def test_a_cold_gateway_gets_the_newest_part_of_the_log(store: Store) -> None:
    await store.create(a_room())
    for number in range(3):
        await append(store, f"op{number}", number, rules.mute(f"p{number}", 60, 1))
    history = (await store.load(ROOM)).history
    assert [event.offset for event in history] == [1, 2, 3]


async def test_of_two_writers_at_one_offset_the_second_is_stale(store: Store) -> None:
    await store.create(a_room())
    await append(store, "first", 0, rules.mute("a", 60, 1))
    with pytest.raises(Stale):
        await append(store, "second", 0, rules.mute("b", 60, 1))
    assert (await store.load(ROOM)).offset == 1


async def test_a_repeated_operation_appends_once(store: Store) -> None:
    await store.create(a_room())
    events = rules.mute("a", 60, 1)
    assert await append(store, "same", 0, events) == await append(store, "same", 0, events)
    assert (await store.load(ROOM)).offset == 1


async def test_the_log_of_another_epoch_or_of_the_future_is_none(store: Store) -> None:
    await store.create(a_room())
    epoch = (await store.load(ROOM)).epoch
    assert await store.events_after(ROOM, epoch, 0) == []
    assert await store.events_after(ROOM, "another", 0) is None
    assert await store.events_after(ROOM, epoch, 5) is None


async def test_a_new_epoch_is_begun_once(store: Store) -> None:
    await store.create(a_room())
    await append(store, "op", 0, rules.mute("a", 60, 1))
    old = (await store.load(ROOM)).epoch
    await store.renew(ROOM, old)
    renewed = await store.load(ROOM)
    await store.renew(ROOM, old)
    assert (await store.load(ROOM)).epoch == renewed.epoch != old
    assert renewed.offset == 1
    assert await store.events_after(ROOM, old, 0) is None


async def test_presence_adds_up_over_nodes_and_hearts_over_time(store: Store) -> None:
    await store.create(a_room())
    await store.beat("one", {ROOM: Attendance(3, 5)})
    totals = await store.beat("two", {ROOM: Attendance(4, 1)})
    assert totals == {ROOM: Attendance(7, 6)}
    assert await store.beat("one", {ROOM: Attendance(0, 0)}) == {ROOM: Attendance(4, 6)}


async def test_a_node_that_is_silent_for_too_long_counts_no_longer(anywhere: Connection) -> None:
    store = RedisRooms(anywhere)
    await store.create(a_room())
    await store.beat("silent", {ROOM: Attendance(3, 0)})
    presence = f"{tag_of(ROOM)}:presence:{ROOM}"
    _, seen_ms = (await anywhere.hget(presence, "silent") or b"").split()
    await anywhere.hset(presence, "silent", f"3 {int(seen_ms) - SILENT_MS + 1_000}")
    assert await store.beat("alive", {ROOM: Attendance(2, 0)}) == {ROOM: Attendance(5, 0)}
    await anywhere.hset(presence, "silent", f"3 {int(seen_ms) - SILENT_MS - 1}")
    assert await store.beat("alive", {ROOM: Attendance(2, 0)}) == {ROOM: Attendance(2, 0)}
    assert await anywhere.hkeys(presence) == [b"alive"]
