"""Orders of the benchmark to a peer written in Python: see ``orders.mjs``, which says the same."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable


async def obey(broadcast: Callable[[str], Awaitable[None]]) -> None:
    """Broadcasts as told until the input ends."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        count, size, interval = line.split()
        message, due = "x" * int(size), time.monotonic()
        for _ in range(int(count)):
            await broadcast(message)
            due += float(interval)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        print(count, flush=True)
