"""What every store of revocations promises, the fake's and the real one's."""

from __future__ import annotations

import pytest
from pytest import FixtureRequest

from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_revocations import RedisRevocations
from livecommerce.revocation import LONGEST_TOKEN_MS, Revocation
from tests.fakes import FakeBus, FakeRevocations

Store = FakeRevocations | RedisRevocations

NOW = 1_900_000_000_000


@pytest.fixture(params=["fake", "redis"])
def store(request: FixtureRequest) -> Store:
    if request.param == "fake":
        return FakeRevocations(FakeBus())
    redis: Connection = request.getfixturevalue("redis")
    return RedisRevocations(redis)


def signed_out(person: str, before_ms: int) -> Revocation:
    return Revocation(person=person, before_ms=before_ms)


async def test_nobody_is_signed_out_to_begin_with(store: Store) -> None:
    assert list(await store.all()) == []


async def test_the_latest_revocation_of_each_person_stands(store: Store) -> None:
    for one in (signed_out("a", NOW), signed_out("b", NOW + 1), signed_out("a", NOW - 5)):
        await store.revoke(one)
    found = {one.person: one.before_ms for one in await store.all()}
    assert found == {"a": NOW, "b": NOW + 1}


async def test_what_can_concern_no_token_goes_with_the_next_one(store: Store) -> None:
    await store.revoke(signed_out("long-ago", NOW))
    await store.revoke(signed_out("now", NOW + LONGEST_TOKEN_MS))
    assert [one.person for one in await store.all()] == ["now"]
