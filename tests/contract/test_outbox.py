"""The outbox on the real server: nothing is lost between members, nothing is trimmed too early."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.redis_library import load_library
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.errors import Unavailable
from livecommerce.ids import Shard
from livecommerce.outbox import OutboxLag, OutboxRecord
from tests.servers import ValkeyServer

SHARD = Shard("00")
STREAM = f"{tag(SHARD)}:outbox"


async def tell(redis: Connection, *ids: str) -> None:
    for record in ids:
        fields: dict[Any, Any] = {
            "id": record,
            "type": "order.confirmed",
            "key": "k",
            "room": "r",
            "at_ms": 7,
            "data": "{}",
        }
        await redis.xadd(STREAM, fields)


def ids(records: object) -> list[str]:
    assert isinstance(records, list)
    return [record.id for record in records if isinstance(record, OutboxRecord)]


async def positions(outbox: RedisOutbox, count: int) -> list[str]:
    return [record.position for record in await outbox.read(SHARD, count, 1)]


async def test_records_arrive_in_order_and_whole(anywhere: Connection) -> None:
    outbox = RedisOutbox(anywhere, "projector", "one")
    await tell(anywhere, "a", "b")
    first, second = await outbox.read(SHARD, 10, 1)
    assert (first.id, second.id, first.type, first.key, first.room, first.at_ms) == (
        "a", "b", "order.confirmed", "k", "r", 7
    )  # fmt: skip
    assert bytes(first.data) == b"{}"


async def test_what_was_not_acknowledged_is_read_again(anywhere: Connection) -> None:
    outbox = RedisOutbox(anywhere, "projector", "one")
    await tell(anywhere, "a", "b")
    first = await outbox.read(SHARD, 10, 1)
    await outbox.acknowledge(SHARD, [first[0].position])
    assert ids(await outbox.read(SHARD, 10, 1)) == ["b"]


async def test_a_member_that_returns_finishes_what_it_began(anywhere: Connection) -> None:
    await tell(anywhere, "a")
    await RedisOutbox(anywhere, "projector", "one").read(SHARD, 10, 1)
    assert ids(await RedisOutbox(anywhere, "projector", "one").read(SHARD, 10, 1)) == ["a"]


async def test_members_of_a_group_share_the_records(anywhere: Connection) -> None:
    await tell(anywhere, "a", "b")
    one, two = (RedisOutbox(anywhere, "projector", name) for name in ("one", "two"))
    assert ids(await one.read(SHARD, 1, 1)) == ["a"]
    assert ids(await two.read(SHARD, 10, 1)) == ["b"]


async def test_the_records_of_a_dead_member_are_taken_over(anywhere: Connection) -> None:
    await tell(anywhere, "a")
    await RedisOutbox(anywhere, "projector", "dead").read(SHARD, 10, 1)
    assert ids(await RedisOutbox(anywhere, "projector", "alive").read(SHARD, 10, 1)) == []
    assert ids(await RedisOutbox(anywhere, "projector", "alive", idle_ms=0).read(SHARD, 10, 1)) == ["a"]


async def test_waiting_for_records_ends_when_one_comes(anywhere: Connection) -> None:
    outbox = RedisOutbox(anywhere, "projector", "one")
    reading = asyncio.create_task(outbox.read(SHARD, 10, 4_000))
    await asyncio.sleep(0)
    await tell(anywhere, "a")
    assert ids(await reading) == ["a"]


async def test_what_every_group_has_applied_is_trimmed_and_nothing_else(anywhere: Connection) -> None:
    await tell(anywhere, "a", "b", "c")
    projector, other = RedisOutbox(anywhere, "projector", "one"), RedisOutbox(anywhere, "other", "one")
    read, theirs = await positions(projector, 10), await positions(other, 2)
    await projector.acknowledge(SHARD, read)
    assert await anywhere.xlen(STREAM) == 3
    await other.acknowledge(SHARD, theirs[1:])
    assert await anywhere.xlen(STREAM) == 3
    await other.acknowledge(SHARD, theirs[:1])
    assert await anywhere.xlen(STREAM) == 1
    await other.acknowledge(SHARD, await positions(other, 10))
    assert await anywhere.xlen(STREAM) == 0


async def test_lag_is_what_is_not_applied(anywhere: Connection) -> None:
    outbox = RedisOutbox(anywhere, "projector", "one")
    assert await outbox.lag(SHARD) == OutboxLag(length=0, oldest_ms=None)
    await tell(anywhere, "a", "b")
    first, second = await positions(outbox, 10)
    await outbox.acknowledge(SHARD, [first])
    assert await outbox.lag(SHARD) == OutboxLag(length=1, oldest_ms=int(second.split("-")[0]))


async def test_an_outage_loses_no_record(valkey: ValkeyServer, redis: Connection) -> None:
    patient = connect(valkey.url)
    outbox = RedisOutbox(patient, "projector", "one")
    await tell(redis, "a", "b")
    await outbox.read(SHARD, 1, 1)
    valkey.kill()
    with pytest.raises(Unavailable):
        await outbox.read(SHARD, 10, 1)
    valkey.start()
    await load_library(patient)
    assert ids(await outbox.read(SHARD, 10, 1)) == ["a"]
    await patient.aclose()


async def test_a_server_without_the_group_gets_it_again(anywhere: Connection) -> None:
    outbox = RedisOutbox(anywhere, "projector", "one")
    await outbox.read(SHARD, 10, 1)
    await anywhere.delete(STREAM)
    await tell(anywhere, "a")
    with pytest.raises(Unavailable):
        await outbox.read(SHARD, 10, 1)
    assert ids(await outbox.read(SHARD, 10, 1)) == ["a"]
