"""Rooms that are over leave the live system: whole, once, and with nothing that late money needs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import websockets
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.redis_orders import RedisOrders
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.adapters.sql_connection import open_sql, reading
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_room_archive import SqlRoomArchive
from livecommerce.adapters.sql_schema import allocation_changes, journal, room_archives, shows, sql_outbox
from livecommerce.errors import Conflict, NotFound
from livecommerce.flash_sale import SaleAdjustment
from livecommerce.gateway.lasting_rooms import LastingRooms
from livecommerce.gateway.sandbox.faults import Fault
from livecommerce.ids import CampaignId, OrderId, PersonId, RoomId, new_id, shard_of
from livecommerce.room import events as ev
from livecommerce.room.archive import ArchivedRoom
from livecommerce.room.events import RoomEvent
from livecommerce.room.live import LoadedRoom
from livecommerce.room.presence import Attendance
from livecommerce.room.room import fold
from livecommerce.share import NOTHING_SHARED
from livecommerce.worker.projector import Projector
from tests.fail_points import fail_points
from tests.gateway import JSON
from tests.integration.test_booking_crashes import lend_stock
from tests.over import Evening, archivist, never_paid
from tests.selling import SHARD
from tests.servers import ValkeyServer
from tests.site import Site


@pytest.fixture
async def evening(redis: Connection, sql: AsyncEngine, tmp_path: Path) -> AsyncIterator[Evening]:
    evening = Evening(redis, sql, tmp_path / "sandbox.sqlite")
    await evening.open_room()
    yield evening
    await evening.close()


def _archived(loaded: LoadedRoom) -> ArchivedRoom:
    return ArchivedRoom(loaded=loaded, likes=0, sharing=NOTHING_SHARED)


async def cleared(engine: AsyncEngine, room: str) -> bool:
    async with reading(engine) as connection:
        query = select(room_archives.c.cleared_ms).where(room_archives.c.room == room)
        return await connection.scalar(query) is not None


async def test_a_room_that_is_over_leaves_nothing_behind_that_has_no_end(
    evening: Evening, redis: Connection, sql: AsyncEngine, tmp_path: Path
) -> None:
    await evening.end(await evening.happen())
    await evening.project()
    assert await archivist(redis, sql).step() == 1
    await evening.project()
    after_one = await evening.lasting_keys()

    another = Evening(redis, sql, tmp_path / "another.sqlite")
    await another.open_room()
    sale = await another.happen()
    assert len(await another.lasting_keys()) > len(after_one)
    await another.end(sale)
    await another.project()
    assert await archivist(redis, sql).step() == 1
    await another.project()
    await another.close()

    assert await evening.lasting_keys() == after_one
    kinds = {key.split(":")[1] for key in after_one}
    assert kinds <= {"outbox", "budget", "budget_ends", "transfers", "places"}
    assert await evening.passing_kinds() <= {"op", "order", "orders", "payment"}


async def test_lines_draws_and_changes_of_a_room_that_is_over_leave_nothing_behind_either(
    evening: Evening, redis: Connection, sql: AsyncEngine
) -> None:
    awaited, raffled = await evening.open_with_waitlist(1), await evening.open_raffle(1)
    announced = await evening.open_sale(1, wait_ms=60_000)
    held = await evening.buy(awaited, "ann")
    for person in ("bob", "cid"):
        await evening.wait(awaited, person)
        await evening.wait(raffled, person)
    await evening.orders.cancel(OrderId(held.order.order), PersonId("ann"))
    await evening.half_draw(raffled, "bob")
    change = SaleAdjustment(sale=announced, operation=new_id(SHARD), version=1, added=2)
    await evening.inventory.adjust_sale(change)
    await evening.inventory.close_sale(announced, 2)
    await evening.inventory.close_sale(raffled, 1)
    await evening.end(awaited)
    await evening.turn_is_over(awaited, "bob")
    await evening.orders.sweep(SHARD, 10)
    await evening.project()
    assert await archivist(redis, sql).step() == 1
    assert {key.split(":")[1] for key in await evening.lasting_keys()} <= {"outbox"}


async def test_an_archived_room_is_seen_as_it_ended(
    evening: Evening, redis: Connection, sql: AsyncEngine
) -> None:
    await evening.end(await evening.happen())
    before = await evening.rooms.load(evening.room)
    await evening.project()
    await archivist(redis, sql).step()

    with pytest.raises(NotFound):
        await evening.rooms.load(evening.room)
    rooms = LastingRooms(evening.rooms, SqlRoomArchive(sql))
    loaded = await rooms.load(evening.room)
    assert (loaded.epoch, loaded.offset, loaded.state) == (before.epoch, before.offset, before.state)
    assert loaded.state.phase == "ended"
    with pytest.raises(Conflict, match="show_ended"):
        event = ev.SlowMode(at_ms=1, seconds=5)
        await rooms.append(evening.room, "op", loaded.epoch, loaded.offset, [event], loaded.state)
    archived = await SqlRoomArchive(sql).find(evening.room)
    assert archived is not None
    assert (archived.likes, archived.sharing.sharers, archived.sharing.verified) == (7, 1, 1)


async def test_coupons_of_an_archived_room_give_their_money_back_to_the_budget(
    evening: Evening, redis: Connection, sql: AsyncEngine
) -> None:
    await evening.end(await evening.happen())
    await evening.project()
    await archivist(redis, sql).step()
    audit = await evening.coupons.audit(evening.room, CampaignId("campaign"))
    assert audit.violations() == []
    assert (audit.available, audit.reserved, audit.spent) == (100_000, 0, 0)


async def test_money_that_comes_after_the_room_was_archived_goes_back(
    evening: Evening, redis: Connection, sql: AsyncEngine
) -> None:
    sale = await evening.happen()
    order, payment = await never_paid(evening, sale)
    await evening.end(sale)
    await evening.project()
    assert await archivist(redis, sql).step() == 1
    assert await redis.exists(f"{tag(SHARD)}:sale:{sale}") == 0

    evening.world.clock.ahead_ms = 240_000
    await evening.world.pay(payment, Fault.OVERDUE)
    await evening.world.callbacks.get()
    await evening.lease_runs_out()
    await evening.work()
    await evening.project()

    assert await evening.outcome(payment) == "refunded"
    assert await evening.money() == ["capture", "refund"]
    assert await evening.state_of(order) == "released"
    async with reading(sql) as connection:
        told = set(await connection.scalars(select(sql_outbox.c.type).where(sql_outbox.c.key == payment)))
    assert told == {"payment.refund_due", "payment.refunded"}


async def test_a_room_waits_for_its_sales_and_for_its_holds(
    evening: Evening, redis: Connection, sql: AsyncEngine
) -> None:
    sale = await evening.open_sale(2)
    await evening.project()
    assert await archivist(redis, sql).step() == 0
    held = await evening.buy(sale, "ann")
    await evening.end(sale)
    await evening.project()
    assert await archivist(redis, sql).step() == 0
    await evening.overdue(held.order.order)
    await evening.orders.sweep(SHARD, 10)
    assert await archivist(redis, sql).step() == 0  # what the sweep told is not in SQL yet
    await evening.project()
    assert await archivist(redis, sql).step() == 1


async def test_rooms_wait_while_a_change_of_units_may_be_made_or_void(
    evening: Evening, redis: Connection, sql: AsyncEngine
) -> None:
    sale = await evening.happen()
    await evening.end(sale)
    await evening.project()
    await lend_stock(sql, sale)
    change = {"operation": "change", "sale": sale, "units": 1, "created_ms": 1}
    async with sql.begin() as connection:
        await connection.execute(insert(allocation_changes).values(change))
    assert await archivist(redis, sql).step() == 0
    async with sql.begin() as connection:
        await connection.execute(update(allocation_changes).values(outcome="void"))
    assert await archivist(redis, sql).step() == 1


async def test_a_room_waits_for_its_journal(evening: Evening, redis: Connection, sql: AsyncEngine) -> None:
    await evening.end(await evening.happen())
    await evening.project()
    lost = (journal.c.room == evening.room) & (journal.c.position == 2)
    async with sql.begin() as connection:
        row = dict((await connection.execute(select(journal).where(lost))).mappings().one())
        await connection.execute(delete(journal).where(lost))
    assert await archivist(redis, sql).step() == 0
    async with sql.begin() as connection:
        await connection.execute(insert(journal).values(row))
    assert await archivist(redis, sql).step() == 1


async def test_heartbeats_and_bans_do_not_bring_an_archived_room_back(
    evening: Evening, redis: Connection, sql: AsyncEngine
) -> None:
    await evening.end(await evening.happen())
    await evening.project()
    await archivist(redis, sql).step()
    before = await evening.lasting_keys()
    assert await RedisRooms(redis).beat("node", {evening.room: Attendance(1, 1)}) == {}
    assert await redis.fcall("room_beat_v1", 1, tag(SHARD), evening.room, "node", 1, 1) == [0, 0]
    assert await evening.lasting_keys() == before


async def test_a_room_whose_live_state_was_lost_is_archived_as_planned(
    evening: Evening, redis: Connection, sql: AsyncEngine
) -> None:
    await redis.delete(f"{tag(SHARD)}:room:{evening.room}")
    assert await archivist(redis, sql).step() == 1
    archived = await SqlRoomArchive(sql).find(evening.room)
    assert archived is not None
    assert (archived.loaded.state.phase, archived.loaded.state.host.name) == ("ended", "Mei")
    assert await archivist(redis, sql).step() == 0


async def test_two_workers_that_archive_at_once_archive_once(
    evening: Evening, redis: Connection, sql: AsyncEngine
) -> None:
    await evening.end(await evening.happen())
    before = await evening.rooms.load(evening.room)
    await evening.project()
    await asyncio.gather(*(archivist(redis, sql).step() for _ in range(3)))
    archived = await SqlRoomArchive(sql).find(evening.room)
    assert archived is not None
    assert archived.loaded.offset == before.offset
    assert await cleared(sql, evening.room)


async def test_an_older_offset_never_replaces_a_later_one(evening: Evening, sql: AsyncEngine) -> None:
    archive = SqlRoomArchive(sql)
    await evening.open_sale(1)
    earlier = await evening.rooms.load(evening.room)
    await evening.open_sale(1)
    later = await evening.rooms.load(evening.room)
    for loaded in (later, earlier):
        await archive.keep(_archived(loaded), 1)
    found = await archive.find(evening.room)
    assert found is not None
    assert found.loaded.offset == later.offset


@pytest.mark.parametrize("point", fail_points("archive"))
async def test_a_worker_killed_while_it_archives_leaves_a_room_that_the_next_one_puts_away(
    point: str, evening: Evening, redis: Connection, sql: AsyncEngine, valkey: ValkeyServer, tmp_path: Path
) -> None:
    await evening.end(await evening.happen())
    before = await evening.rooms.load(evening.room)
    await evening.project()

    async def work(**environ: str) -> int:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.archivist"),
            *(valkey.url, f"sqlite:{tmp_path / 'livecommerce.sqlite'}"),
            env={**os.environ, **environ},
        )
        return await process.wait()

    assert await work(FAIL_POINT=point, FAIL_POINT_MARK=str(tmp_path / "mark")) == -signal.SIGKILL
    rooms = LastingRooms(evening.rooms, SqlRoomArchive(sql))
    assert (await rooms.load(RoomId(evening.room))).state == before.state
    assert await work() == 0
    assert (await rooms.load(RoomId(evening.room))).state == before.state
    assert await cleared(sql, evening.room)
    left = [key for key in await evening.lasting_keys() if evening.room in key]
    assert left == []


async def test_who_opens_the_link_of_an_archived_show_sees_that_it_is_over(
    redis: Connection, valkey: ValkeyServer, tmp_path: Path
) -> None:
    site = Site(tmp_path, valkey.url, gateways=1)
    await asyncio.to_thread(site.start)
    engine = open_sql(f"sqlite:{tmp_path / 'livecommerce.sqlite'}")
    try:
        room = await _a_show_of_long_ago(redis, engine)
        assert await archivist(redis, engine).step() == 1
        address = f"{site.deployment.url.replace('http', 'ws')}/ws/{room}"
        async with websockets.connect(address, subprotocols=[JSON], proxy=None) as socket:
            await socket.send('{"t":"join"}')
            [snapshot, *_] = msgspec.json.decode(await socket.recv())
    finally:
        await engine.dispose()
        await asyncio.to_thread(site.stop)
    assert (snapshot["t"], snapshot["room"]["room"], snapshot["room"]["phase"]) == ("snapshot", room, "ended")


async def _a_show_of_long_ago(redis: Connection, engine: AsyncEngine) -> RoomId:
    """Starts and ends one of the demo's shows, and lets SQL have all of it."""
    async with engine.begin() as connection:
        room = RoomId(str(await connection.scalar(select(shows.c.room).order_by(shows.c.starts_ms))))
        ended = {"phase": "ended", "ended_ms": 1}
        await connection.execute(update(shows).where(shows.c.room == room).values(ended))
    rooms, shard = RedisRooms(redis), shard_of(room)
    loaded = await rooms.load(room)
    over: list[RoomEvent] = [ev.ShowStarted(at_ms=1), ev.ShowEnded(at_ms=2)]
    await rooms.append(room, "op", loaded.epoch, loaded.offset, over, fold(loaded.state, over))
    outbox = RedisOutbox(redis, "projector", "worker")
    projector = Projector(outbox, SqlProjection(engine), RedisOrders(redis, 16), [shard])
    while await projector.step():
        pass
    return room


async def test_rooms_are_archived_in_either_database(
    redis: Connection, database: AsyncEngine, tmp_path: Path
) -> None:
    evening = Evening(redis, database, tmp_path / "sandbox.sqlite")
    await evening.open_room()
    await evening.end(await evening.happen())
    before = await evening.rooms.load(evening.room)
    await evening.project()
    assert await archivist(redis, database).step() == 1
    archived = await SqlRoomArchive(database).find(evening.room)
    assert archived is not None
    assert archived.loaded.state == before.state
    assert await archivist(redis, database).step() == 0
    await evening.close()
