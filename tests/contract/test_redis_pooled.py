"""A job on Redis ends when it is told to, and no command meets a connection that has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio.connection import AbstractConnection

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_connection import Connection
from tests.proxy import CuttingProxy, cutting_proxy
from tests.servers import ValkeyServer


@pytest.mark.parametrize("turns", range(8))
async def test_a_cancelled_command_ends_at_any_moment(redis: Connection, turns: int) -> None:
    started = asyncio.Event()

    async def work() -> None:
        started.set()
        await redis.ping()
        await asyncio.Event().wait()

    working = asyncio.create_task(work())
    await started.wait()
    for _ in range(turns):
        await asyncio.sleep(0)
    working.cancel()
    done, _ = await asyncio.wait([working], timeout=5)
    assert working in done
    assert await redis.echo("whole") == b"whole"


async def close_all(proxy: CuttingProxy) -> None:
    await proxy.close()


async def reset_all(proxy: CuttingProxy) -> None:
    proxy.reset()


@pytest.mark.parametrize("end_all", [close_all, reset_all])
async def test_connections_that_ended_while_they_waited_cost_no_command(
    valkey: ValkeyServer, end_all: Callable[[CuttingProxy], Awaitable[None]]
) -> None:
    async with cutting_proxy(valkey.port) as proxy:
        redis = connect(f"redis://127.0.0.1:{proxy.port}")
        await asyncio.gather(*(redis.ping() for _ in range(8)))
        waiting = tuple(redis.connection_pool._available_connections)
        assert len(waiting) == 8
        await end_all(proxy)
        async with asyncio.timeout(10):
            while not all(map(has_ended, waiting)):  # noqa: ASYNC110 - the library has no event for it
                await asyncio.sleep(0)  # for the loop to hear of it
        assert await asyncio.gather(*(redis.ping() for _ in range(8))) == [True] * 8
        await redis.aclose()


def has_ended(connection: AbstractConnection) -> bool:
    reader = connection._reader
    return reader is not None and (reader.at_eof() or reader.exception() is not None)
