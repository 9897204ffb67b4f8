"""A job on Redis ends when it is told to, whatever it was doing just then."""

from __future__ import annotations

import asyncio

import pytest

from livecommerce.adapters.redis_connection import Connection


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
