"""Pictures whose media process was killed: rooms in Valkey, the plan in SQL, two workers."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Account
from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_live_rooms import RedisLiveRooms
from livecommerce.adapters.redis_pictures import RedisPictures
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_schedule import SqlSchedule
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.room.cards import StreamCard
from livecommerce.room.live import LiveRoom
from livecommerce.room.plan import room_of
from livecommerce.room.stage import show_stream
from livecommerce.shop import Shop
from livecommerce.worker.lost_pictures import LostPictures
from tests.schedules import a_show

SHOW = a_show()


class Watch:
    """One show with a picture from the host's seat, and two workers that look after it."""

    def __init__(self, redis: Connection, sql: AsyncEngine) -> None:
        self.redis = redis
        self.rooms = RedisRooms(redis)
        self.schedule = SqlSchedule(sql)
        self.pictures = RedisPictures(redis)
        live = RedisLiveRooms(redis)
        self.workers = [
            LostPictures(self.schedule, self.rooms, live, self.pictures, lambda: 9) for _ in range(2)
        ]

    async def show(self, stream: str) -> None:
        card = StreamCard(seat="host", stream=stream, since_ms=1)
        room = LiveRoom(await self.rooms.load(SHOW.room), self.rooms, lambda _: None, lambda: None)
        await room.command(lambda state: show_stream(state, card, 1))

    async def step_all(self) -> None:
        await asyncio.gather(*(worker.step() for worker in self.workers))

    async def shown(self) -> list[str]:
        return [card.stream for card in (await self.rooms.load(SHOW.room)).state.streams]


@pytest.fixture
async def watch(redis: Connection, sql: AsyncEngine) -> Watch:
    watch = Watch(redis, sql)
    await SqlShops(sql).add(Shop(shop=SHOW.shop, name={"en": "Shop"}), 0)
    host = Account(person=SHOW.host, login="host", name="Mei", password_hash="x")
    await SqlAccounts(sql, lambda: 0).add(host)
    await watch.schedule.add_show(SHOW)
    await watch.rooms.create(room_of(SHOW, "Mei"))
    await watch.pictures.listen()
    return watch


async def test_a_picture_that_nobody_speaks_of_is_taken_off(watch: Watch) -> None:
    await watch.show("s1")

    await watch.step_all()
    assert await watch.shown() == ["s1"]
    await watch.step_all()
    assert await watch.shown() == []


async def test_a_picture_that_is_reported_stays(watch: Watch) -> None:
    await watch.show("s1")
    await watch.step_all()
    await watch.pictures.heard(SHOW.room, "s1")

    for _ in range(3):
        await watch.step_all()

    assert await watch.shown() == ["s1"]


async def test_the_publisher_that_came_back_is_not_taken_for_the_one_that_died(watch: Watch) -> None:
    await watch.show("s1")
    await watch.step_all()
    await watch.pictures.heard(SHOW.room, "s2")
    await watch.show("s2")

    await watch.step_all()
    await watch.step_all()

    assert await watch.shown() == ["s2"]


async def test_a_lost_picture_is_shown_again_and_can_be_lost_again(watch: Watch) -> None:
    for _ in range(2):
        await watch.show("s1")
        await watch.step_all()
        await watch.step_all()
        assert await watch.shown() == []


async def test_silence_while_no_gateway_is_there_takes_no_picture_off(watch: Watch) -> None:
    await watch.show("s1")
    await watch.step_all()
    await watch.redis.delete("{s00}:pictures_heard")

    await watch.step_all()
    await watch.pictures.listen()
    await watch.step_all()
    assert await watch.shown() == ["s1"], "silent once only since a gateway is there"
    await watch.step_all()
    assert await watch.shown() == []
