"""How long a job waits after failures in a row, and the loops of jobs that step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from livecommerce.errors import Unavailable


async def keep_stepping(
    step: Callable[[], Awaitable[int]], batch: int, idle_seconds: float, log: logging.Logger, what: str
) -> None:
    """Steps until it is cancelled; where the server is away it tries again, ever more slowly.

    A step answers how much it handled: after a full batch the next follows at once, else after the idle time.
    """
    failures = 0
    while True:
        try:
            handled = await step()
            failures = 0
        except Unavailable as error:
            failures += 1
            handled = 0
            log.warning("%s wait: %s", what, error)
        pause = backoff_ms(failures, 500, 10_000) / 1000
        await asyncio.sleep(pause or (0 if handled >= batch else idle_seconds))


async def step_every(
    seconds: float, step: Callable[[], Awaitable[object]], log: logging.Logger, what: str
) -> None:
    """Steps until it is cancelled, with the same pause after every step, a server that is away included."""
    while True:
        try:
            await step()
        except Unavailable as error:
            log.warning("%s: %s", what, error)
        await asyncio.sleep(seconds)


def backoff_ms(failures: int, first_ms: int = 1_000, longest_ms: int = 300_000) -> int:
    """Doubles from the first wait to the longest; 0 where nothing failed."""
    return min(first_ms << min(failures - 1, 30), longest_ms) if failures else 0
