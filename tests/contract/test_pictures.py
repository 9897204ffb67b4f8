"""What every memory of reported pictures promises, the fake's and the real one's."""

from __future__ import annotations

import pytest
from pytest import FixtureRequest

from livecommerce.adapters.redis_connection import Connection, tag_of
from livecommerce.adapters.redis_pictures import RedisPictures
from livecommerce.room.pictures import HEARD_SECONDS, PictureReports
from tests.fakes import FakePictures
from tests.rooms import ROOM


@pytest.fixture(params=["fake", "redis", "redis_cluster"])
def pictures(request: FixtureRequest) -> PictureReports:
    if request.param == "fake":
        return FakePictures()
    redis: Connection = request.getfixturevalue(request.param)
    return RedisPictures(redis)


async def test_what_was_never_reported_is_silent(pictures: PictureReports) -> None:
    assert await pictures.silent(ROOM, ["s1", "s2"]) == {"s1", "s2"}
    assert await pictures.silent(ROOM, []) == set()


async def test_a_reported_picture_is_not_silent_and_speaks_for_itself_alone(pictures: PictureReports) -> None:
    await pictures.heard(ROOM, "s1")
    await pictures.heard("00other", "s2")

    assert await pictures.silent(ROOM, ["s1", "s2"]) == {"s2"}


async def test_somebody_listens_once_a_gateway_has_said_so(pictures: PictureReports) -> None:
    assert not await pictures.are_heard()
    await pictures.listen()
    assert await pictures.are_heard()


async def test_a_gateway_that_is_gone_listens_no_longer(redis: Connection) -> None:
    await RedisPictures(redis).listen()
    assert 0 < await redis.pttl("{s00}:pictures_heard") <= HEARD_SECONDS * 1000


async def test_a_report_counts_for_a_time_that_the_server_measures(redis: Connection) -> None:
    await RedisPictures(redis).heard(ROOM, "s1")

    left_ms = await redis.pttl(f"{tag_of(ROOM)}:picture:{ROOM}:s1")
    assert 0 < left_ms <= HEARD_SECONDS * 1000
