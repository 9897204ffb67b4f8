"""An answer that is lost on the way is found again by its operation, and nothing happens twice."""

from __future__ import annotations

import pytest

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_connection import AWAY, Connection
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.room import room as rules
from livecommerce.room.live import LiveRoom
from tests.proxy import cutting_proxy
from tests.rooms import ROOM, a_product, a_room
from tests.servers import ValkeyServer


async def test_a_pin_whose_answer_is_cut_is_appended_once(redis: Connection, valkey: ValkeyServer) -> None:
    direct = RedisRooms(redis)
    await direct.create(a_room())
    async with cutting_proxy(valkey.port) as proxy:
        through = connect(f"redis://127.0.0.1:{proxy.port}/0")
        store = RedisRooms(through)
        room = LiveRoom(await store.load(ROOM), store, lambda _: None, lambda: None)
        proxy.cuts = 1
        await room.command(lambda state: rules.pin(state, a_product("tea"), 1))
        await through.aclose()
    loaded = await direct.load(ROOM)
    assert proxy.cuts == 0
    assert (loaded.offset, len(loaded.state.pins)) == (1, 1)
    assert room.state == loaded.state


async def test_the_client_library_never_repeats_a_command(redis: Connection, valkey: ValkeyServer) -> None:
    async with cutting_proxy(valkey.port) as proxy:
        through = connect(f"redis://127.0.0.1:{proxy.port}/0")
        await through.ping()
        proxy.cuts = 1
        with pytest.raises(AWAY):
            await through.incr("count")
        await through.aclose()
    assert int(await redis.get("count") or 0) == 1
