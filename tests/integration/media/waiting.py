"""Waiting for a state that has no event of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Return as soon as `holds`; raise TimeoutError when it never does."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for belongs to threads and sockets
            await asyncio.sleep(0.01)
