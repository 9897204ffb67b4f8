"""What every store of sanctions promises, the fake's and the real one's."""

from __future__ import annotations

import pytest
from pytest import FixtureRequest

from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_sanctions import RedisSanctions
from livecommerce.room.sanctions import BAN, SHADOW, Sanction
from tests.fakes import FakeBus, FakeSanctions
from tests.rooms import ROOM

Store = FakeSanctions | RedisSanctions


@pytest.fixture(params=["fake", "redis", "redis_cluster"])
def store(request: FixtureRequest) -> Store:
    if request.param == "fake":
        return FakeSanctions(FakeBus())
    redis: Connection = request.getfixturevalue(request.param)
    return RedisSanctions(redis)


def a_sanction(kind: str = BAN, person: str = "p", until_ms: int = 9_000) -> Sanction:
    return Sanction(kind=kind, person=person, name='L"in', until_ms=until_ms)


async def test_a_room_begins_without_any(store: Store) -> None:
    assert await store.of_room(ROOM) == (0, [])


async def test_what_was_imposed_is_found_with_the_version_it_made(store: Store) -> None:
    await store.impose(ROOM, a_sanction(BAN))
    await store.impose(ROOM, a_sanction(SHADOW))
    version, found = await store.of_room(ROOM)
    assert version == 2
    assert {(one.kind, one.person, one.name, one.until_ms, one.v) for one in found} == {
        (BAN, "p", 'L"in', 9_000, 1),
        (SHADOW, "p", 'L"in', 9_000, 2),
    }


async def test_what_was_lifted_is_gone_and_the_version_has_grown(store: Store) -> None:
    await store.impose(ROOM, a_sanction())
    await store.impose(ROOM, a_sanction(until_ms=0))
    assert await store.of_room(ROOM) == (2, [])
