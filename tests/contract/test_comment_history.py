"""What every comment history promises, the fake's and the real one's."""

from __future__ import annotations

import pytest
from pytest import FixtureRequest

from livecommerce.adapters.redis_comments import RedisComments
from livecommerce.adapters.redis_connection import Connection
from livecommerce.room.cards import CommentLine, PersonCard
from tests.fakes import FakeComments
from tests.rooms import ROOM

History = FakeComments | RedisComments


@pytest.fixture(params=["fake", "redis", "redis_cluster"])
def history(request: FixtureRequest) -> History:
    if request.param == "fake":
        return FakeComments(3)
    redis: Connection = request.getfixturevalue(request.param)
    return RedisComments(redis, 3)


def a_comment(text: str) -> CommentLine:
    return CommentLine(comment=text, person=PersonCard(person="p", name="Lin"), text=text, at_ms=1)


async def test_a_new_room_has_none(history: History) -> None:
    assert await history.recent(ROOM) == []


async def test_the_newest_are_kept_in_their_order(history: History) -> None:
    await history.remember(ROOM, [a_comment("a"), a_comment("b")])
    await history.remember(ROOM, [a_comment("c"), a_comment("d")])
    assert await history.recent(ROOM) == [a_comment("b"), a_comment("c"), a_comment("d")]
