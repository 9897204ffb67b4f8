"""A worker that draws is killed at each of its fail points: the draw is made once, and is the same."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.lottery import faults_of, make_draw
from tests.contract.test_lottery import SEEDS, Tombola
from tests.fail_points import fail_points
from tests.selling import SHARD
from tests.servers import ValkeyServer


async def draw_in_a_process(url: str, **environ: str) -> int:
    """Lets another process draw; answers how it ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.drawer", url, env={**os.environ, **environ}
    )
    return await process.wait()


@pytest.mark.parametrize("point", fail_points("draws"))
async def test_a_draw_that_was_killed_half_way_ends_as_it_would_have(
    point: str, redis: Connection, valkey: ValkeyServer, tmp_path: Path
) -> None:
    tombola = Tombola(redis)
    await tombola.shop.open_room()
    sale = await tombola.open(30)
    await tombola.entered(sale, *(f"p{number}" for number in range(150)))
    entrants = await tombola.lottery.entrants(sale)
    promised = make_draw(sale, SEEDS.seed(sale), 30, list(entrants.values()))
    await tombola.window_is_over(sale)
    killed = await draw_in_a_process(valkey.url, FAIL_POINT=point, FAIL_POINT_MARK=str(tmp_path / "mark"))
    assert killed == -signal.SIGKILL
    await tombola.shop.redis.zadd(f"{tag(SHARD)}:draws", {sale: 0}, xx=True)  # its lease runs out
    assert await draw_in_a_process(valkey.url) == 0
    assert await tombola.lottery.find(sale) == promised
    assert faults_of(promised) == []
    assert (await tombola.shop.events()).count("sale.drawn") == 1
    while (await tombola.shop.orders.sweep(SHARD, 100)).handled:
        pass
    states = [await tombola.state(f"p{number}") for number in range(150)]
    assert (states.count("turn"), states.count("lost")) == (30, 120)
    await tombola.shop.assert_lawful(sale)
