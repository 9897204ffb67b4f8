"""The function library on the real server."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.redis_durability import unsafe_durability
from livecommerce.adapters.redis_library import LIBRARY_VERSION, library_source, load_library
from livecommerce.ids import Shard

SHARD = tag(Shard("00"))


async def append(redis: Connection, operation: str, expected: int, event: str) -> list[object]:
    answer: list[object] = await redis.fcall(
        "room_append_v1", 1, SHARD, "r", operation, "e", expected, '{"folded":1}', "pinned", event
    )
    return answer


async def test_loading_twice_changes_nothing(redis: Connection) -> None:
    await load_library(redis)
    assert await redis.fcall("room_create_v1", 1, SHARD, "r", "e", "{}") == b"e"


async def test_an_older_release_takes_no_newer_functions_away(redis: Connection) -> None:
    newer = library_source().replace(f"-- version {LIBRARY_VERSION}", f"-- version {LIBRARY_VERSION + 1}")
    await redis.function_load(newer, replace=True)
    await load_library(redis)
    (library,) = await redis.function_list(library="livecommerce", withcode=True)
    assert library[b"library_code"].decode() == newer


async def test_embedded_server_is_safe_to_sell_on(redis: Connection) -> None:
    assert await unsafe_durability(redis) is None


async def test_append_at_the_expected_offset_is_stored_and_told(redis: Connection) -> None:
    await redis.fcall("room_create_v1", 1, SHARD, "r", "e", "{}")
    assert await append(redis, "op1", 0, '{"t":"pinned"}') == [b"ok", 1]
    loaded = await redis.fcall("room_load_v1", 1, SHARD, "r", 0)
    assert loaded == [b"e", 1, b'{"folded":1}', 1, [b'{"t":"pinned","offset":1}']]
    assert await redis.xlen(f"{SHARD}:outbox") == 1


async def test_append_elsewhere_is_stale_and_writes_nothing(redis: Connection) -> None:
    await redis.fcall("room_create_v1", 1, SHARD, "r", "e", "{}")
    await append(redis, "op1", 0, '{"t":"pinned"}')
    assert await append(redis, "op2", 0, '{"t":"pinned"}') == [b"stale", 1]
    assert await redis.xlen(f"{SHARD}:log:r") == 1


async def test_a_repeated_operation_answers_the_same_and_appends_once(redis: Connection) -> None:
    await redis.fcall("room_create_v1", 1, SHARD, "r", "e", "{}")
    first = await append(redis, "op1", 0, '{"t":"pinned"}')
    assert await append(redis, "op1", 0, '{"t":"pinned"}') == first
    assert await redis.xlen(f"{SHARD}:log:r") == 1


async def load_with_locals(redis: Connection, number: int) -> None:
    """Loads the library below so many locals more, which Lua counts with its own."""
    first, rest = library_source().split("\n", 1)
    fillers = ", ".join(f"filler_{index}" for index in range(number))
    await redis.function_load(f"{first}\nlocal {fillers}\n{rest}", replace=True)


async def test_the_library_has_room_for_eighty_names_more(redis: Connection) -> None:
    await load_with_locals(redis, 80)
    assert await redis.fcall("room_create_v1", 1, SHARD, "r", "e", "{}") == b"e"


async def test_a_library_with_more_names_than_lua_takes_is_refused(redis: Connection) -> None:
    with pytest.raises(ResponseError, match="200 local variables"):
        await load_with_locals(redis, 180)
