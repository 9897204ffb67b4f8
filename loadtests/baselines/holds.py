"""Holds as bare function calls, pipelined through redis-py: what no gateway can do without.

Each line of input is ``sale units calls``; the answer is the CPU seconds that this process took for them.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import uvloop
from redis.asyncio import Redis

from loadtests.bench.valkey import PRICE, ROOM, TAG, hold_words

PIPELINE = 500
"""As many as a gateway sends in one."""
DAY_MS = 86_400_000


async def main() -> None:
    """Does as it is told until the input ends."""
    redis = Redis.from_url(sys.argv[1])
    await redis.fcall("room_create_v1", 1, TAG, ROOM, "epoch", "{}")
    print(0, flush=True)  # no port of its own
    while line := await asyncio.to_thread(sys.stdin.readline):
        sale, units, calls = line.split()
        await _open_sale(redis, sale, int(units))
        print(await _hold(redis, sale, int(units), int(calls)), flush=True)


async def _open_sale(redis: Redis, sale: str, units: int) -> None:
    offset = await redis.hget(f"{TAG}:room:{ROOM}", "offset")
    assert offset is not None
    end = int(time.time() * 1000) + DAY_MS
    terms: tuple[Any, ...] = ("sku", PRICE, units, 1, 0, end, 600_000, "{}")
    await redis.fcall("sale_open_v1", 1, TAG, sale, ROOM, "epoch", offset, "{}", *terms)


async def _hold(redis: Redis, sale: str, units: int, calls: int) -> float:
    wishes = [hold_words(sale, number) for number in range(calls)]
    granted, before = 0, time.process_time()
    for first in range(0, calls, PIPELINE):
        pipeline = redis.pipeline(transaction=False)
        for words in wishes[first : first + PIPELINE]:
            pipeline.fcall("hold_v2", 1, *words)
        granted += sum(answer[0] == b"ok" for answer in await pipeline.execute())
    used = time.process_time() - before
    if granted != min(units, calls):
        raise SystemExit(f"{granted} holds of {units} units")
    return used


if __name__ == "__main__":
    uvloop.run(main())
