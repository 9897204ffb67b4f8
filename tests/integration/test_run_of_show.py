"""The run of show on real servers: rooms in Valkey, the plan in SQL, several workers, a clock by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Account
from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_live_rooms import RedisLiveRooms
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_catalog import SqlCatalog
from livecommerce.adapters.sql_schedule import SqlSchedule
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.catalog import Product, Sku
from livecommerce.ids import PersonId, ProductId, RoomId, SegmentId, ShopId, SkuId
from livecommerce.room import room as rules
from livecommerce.room.cards import RoomState
from livecommerce.room.events import RoomEvent
from livecommerce.room.live import LiveRoom
from livecommerce.schedule.segment import Segment
from livecommerce.shop import Shop
from livecommerce.worker.run_of_show import RunOfShow
from livecommerce.worker.show_phases import ShowPhases
from tests.schedules import MINUTE, a_segment, a_show

ROOM = RoomId("00room")


class OldPlan(SqlSchedule):
    """The plan as somebody read it before it changed."""

    def __init__(self, sql: AsyncEngine, plan: list[Segment]) -> None:
        super().__init__(sql)
        self._plan = plan

    async def segments_of(self, rooms: Sequence[RoomId]) -> list[Segment]:
        return self._plan


class Stage:
    """One show with two workers, and a clock that only the test moves."""

    def __init__(self, redis: Connection, sql: AsyncEngine) -> None:
        self.minute = 0.0
        self.ended_pictures: list[tuple[str, str]] = []
        self.sql = sql
        self.rooms = RedisRooms(redis)
        self.catalog = SqlCatalog(sql)
        self.shops = SqlShops(sql)
        self.accounts = SqlAccounts(sql, self.clock)
        self.schedule = SqlSchedule(sql)
        looks = RedisLiveRooms(redis)
        self.phases = ShowPhases(self.schedule, self.rooms, looks, self.accounts)
        self.looks = looks
        self.workers = [self.worker(self.schedule) for _ in range(2)]

    def worker(self, schedule: SqlSchedule) -> RunOfShow:
        return RunOfShow(
            schedule,
            self.rooms,
            self.looks,
            self.catalog,
            self.shops,
            self.accounts,
            self.clock,
            lambda room, seat: self.ended_pictures.append((room, seat)),
        )

    def late_worker(self, plan: list[Segment]) -> RunOfShow:
        """One that has read the plan before it changed."""
        return self.worker(OldPlan(self.sql, plan))

    def clock(self) -> int:
        return int(self.minute * MINUTE)

    async def prepare(self) -> None:
        for shop in ("shop", "brand"):
            await self.shops.add(Shop(shop=ShopId(shop), name={"en": shop}), 0)
        await self.accounts.add(Account(person="host", login="host", name="Mei", password_hash="x"))
        for name in ("tea", "pot"):
            await self.catalog.put(self.product(name), 0)
        await self.schedule.add_show(a_show())
        await self.phases.step()

    def product(self, name: str) -> Product:
        sku = Sku(sku=SkuId(f"{name}-1"), title={"en": "One"}, price_minor=1000, on_hand=1)
        return Product(
            product=ProductId(name),
            shop=ShopId("brand"),
            title={"en": name},
            image="",
            category=name,
            currency="CNY",
            skus=(sku,),
        )

    async def confirm(self, name: str, starts: int, ends: int, *products: str) -> None:
        await self.schedule.request(a_segment(name, starts, ends, products=products))
        await self.schedule.turn(SegmentId(name), "accept")

    async def command(self, decide: rules.Decide) -> None:
        await LiveRoom(await self.rooms.load(ROOM), self.rooms, lambda _: None, lambda: None).command(decide)

    async def start(self) -> None:
        await self.command(lambda state: rules.start_show(state, self.clock()))
        await self.phases.step()

    async def step_all(self) -> None:
        """Every worker acts at the same time."""
        await asyncio.gather(*(worker.step() for worker in self.workers))

    async def state(self) -> RoomState:
        return (await self.rooms.load(ROOM)).state

    async def events(self) -> list[RoomEvent]:
        loaded = await self.rooms.load(ROOM)
        return list(await self.rooms.events_after(ROOM, loaded.epoch, 0) or ())

    async def on_air(self) -> str | None:
        segment = (await self.state()).segment
        return segment.segment if segment else None

    async def pins(self) -> list[str]:
        return [card.product.product for card in (await self.state()).pins]

    async def plan(self) -> dict[str, tuple[str, int]]:
        found = await self.schedule.segments_of([ROOM])
        return {one.segment: (one.state, one.starts_ms // MINUTE) for one in found}


@pytest.fixture
async def stage(redis: Connection, sql: AsyncEngine) -> Stage:
    stage = Stage(redis, sql)
    await stage.prepare()
    return stage


def kinds(events: list[RoomEvent]) -> list[str]:
    return [str(event.__struct_config__.tag) for event in events]


async def test_a_planned_show_has_a_room(stage: Stage) -> None:
    state = await stage.state()
    assert (state.phase, state.host.name, state.title["en"]) == ("scheduled", "Mei", "Evening")


async def test_a_brands_segment_begins_pins_its_product_and_ends(stage: Stage) -> None:
    await stage.confirm("a", 10, 20, "tea")
    await stage.start()
    await stage.step_all()
    assert await stage.on_air() is None
    stage.minute = 10
    await stage.step_all()
    assert (await stage.on_air(), await stage.pins()) == ("a", ["tea"])
    assert await stage.plan() == {"a": ("on_air", 10)}
    stage.minute = 20
    await stage.step_all()
    assert (await stage.on_air(), await stage.pins()) == (None, [])
    assert await stage.plan() == {"a": ("done", 10)}


async def test_the_brands_guest_has_a_seat_while_its_segment_is_on_air(stage: Stage) -> None:
    await stage.accounts.add(Account(person="anna", login="anna", name="Anna", password_hash="x"))
    await stage.confirm("a", 10, 20, "tea")
    await stage.start()
    stage.minute = 10
    await stage.step_all()
    assert [(card.seat, card.person.name) for card in (await stage.state()).seats] == [("guest-1", "Anna")]
    assert stage.ended_pictures == []
    stage.minute = 20
    await stage.step_all()
    assert (await stage.state()).seats == ()
    assert set(stage.ended_pictures) == {(ROOM, "guest-1")}


async def test_a_guest_whose_brand_is_followed_by_another_leaves_the_picture_at_once(stage: Stage) -> None:
    await stage.accounts.add(Account(person="anna", login="anna", name="Anna", password_hash="x"))
    await stage.accounts.add(Account(person="ben", login="ben", name="Ben", password_hash="x"))
    await stage.schedule.request(replace(a_segment("a", 10, 20), requested_by=PersonId("anna")))
    await stage.schedule.request(replace(a_segment("b", 20, 30), requested_by=PersonId("ben")))
    for name in "ab":
        await stage.schedule.turn(SegmentId(name), "accept")
    await stage.start()
    for stage.minute in (10, 20):
        await stage.step_all()
    assert [card.person.name for card in (await stage.state()).seats] == ["Ben"]
    assert set(stage.ended_pictures) == {(ROOM, "guest-1")}


async def test_many_workers_do_each_thing_once(stage: Stage) -> None:
    await stage.confirm("a", 10, 20, "tea")
    await stage.confirm("b", 20, 30, "pot")
    await stage.start()
    for minute in (10, 10.1, 20, 20.1, 30, 30.1):
        stage.minute = minute
        await stage.step_all()
        await stage.step_all()
    assert kinds(await stage.events()) == [
        *("show.started", "segment.started", "pinned"),
        *("segment.ended", "segment.started", "unpinned", "pinned"),
        *("segment.ended", "unpinned"),
    ]


async def test_after_an_absence_nothing_is_skipped_and_what_follows_moves(stage: Stage) -> None:
    await stage.confirm("a", 10, 20, "tea")
    await stage.confirm("b", 20, 30, "pot")
    await stage.start()
    stage.minute = 25
    await stage.step_all()
    assert await stage.on_air() == "a"
    assert await stage.plan() == {"a": ("on_air", 25), "b": ("confirmed", 35)}
    stage.minute = 35
    await stage.step_all()
    assert await stage.on_air() == "b"


async def test_a_late_show_moves_its_segments(stage: Stage) -> None:
    await stage.confirm("a", 10, 20, "tea")
    stage.minute = 7
    await stage.start()
    stage.minute = 16
    await stage.step_all()
    assert await stage.on_air() is None
    stage.minute = 17
    await stage.step_all()
    assert await stage.on_air() == "a"


async def test_more_time_keeps_a_segment_on_air_and_moves_the_next(stage: Stage) -> None:
    await stage.confirm("a", 10, 20, "tea")
    await stage.confirm("b", 20, 30, "pot")
    await stage.start()
    stage.minute = 10
    await stage.step_all()
    await stage.schedule.extend(SegmentId("a"), 5 * MINUTE, "k")
    stage.minute = 20
    await stage.step_all()
    segment = (await stage.state()).segment
    assert segment is not None
    assert (segment.segment, segment.ends_ms) == ("a", 25 * MINUTE)
    stage.minute = 25
    await stage.step_all()
    assert await stage.on_air() == "b"


async def test_a_worker_that_read_an_old_plan_does_not_repeat_a_segment(stage: Stage) -> None:
    await stage.confirm("a", 10, 20, "tea")
    await stage.start()
    stage.minute = 10
    await stage.step_all()
    await stage.command(lambda state: rules.end_segment(state, stage.clock()))
    await stage.step_all()
    assert await stage.plan() == {"a": ("done", 10)}
    assert kinds(await stage.events()).count("segment.started") == 1


async def test_a_worker_that_read_an_old_plan_moves_an_end_back_for_a_moment_only(stage: Stage) -> None:
    await stage.confirm("a", 10, 20, "tea")
    await stage.start()
    stage.minute = 10
    await stage.step_all()
    old = await stage.schedule.segments_of([ROOM])
    await stage.schedule.extend(SegmentId("a"), 5 * MINUTE, "k")
    await stage.step_all()
    await stage.late_worker(old).step()
    await stage.step_all()
    segment = (await stage.state()).segment
    assert segment is not None
    assert segment.ends_ms == 25 * MINUTE


async def test_a_segment_that_came_and_went_unnoted_is_done(stage: Stage) -> None:
    await stage.confirm("a", 10, 20, "tea")
    await stage.start()
    stage.minute = 10
    loaded = await stage.rooms.load(ROOM)
    muted = rules.mute("troll", 60, stage.clock())
    await stage.rooms.append(
        ROOM, "a:air", loaded.epoch, loaded.offset, muted, rules.fold(loaded.state, muted)
    )
    await stage.step_all()
    assert await stage.on_air() is None
    assert await stage.plan() == {"a": ("done", 10)}


async def test_the_end_of_the_show_closes_its_plan(stage: Stage) -> None:
    await stage.confirm("a", 10, 20, "tea")
    await stage.confirm("b", 30, 40, "pot")
    await stage.start()
    stage.minute = 10
    await stage.step_all()
    stage.minute = 15
    await stage.command(lambda state: rules.end_show(state, stage.clock()))
    await stage.phases.step()
    await stage.step_all()
    assert await stage.plan() == {"a": ("done", 10), "b": ("canceled", 30)}
    show = await stage.schedule.show(ROOM)
    assert (show.phase, show.started_ms, show.ended_ms) == ("ended", 0, 15 * MINUTE)
