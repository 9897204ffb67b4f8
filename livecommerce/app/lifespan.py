"""What runs as long as a gateway serves, and what it says of its health."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from livecommerce.adapters.redis_bus import RedisBus
from livecommerce.adapters.redis_connection import AWAY, Connection
from livecommerce.adapters.redis_durability import unsafe_durability
from livecommerce.adapters.redis_library import load_library_once_up
from livecommerce.gateway.http.application import Lifespan
from livecommerce.gateway.http.health import Probe

BUS_SECONDS = 5.0

Job = Callable[[], Coroutine[Any, Any, None]]

log = logging.getLogger(__name__)


def probes(redis: Connection, bus: RedisBus) -> Mapping[str, Probe]:
    """Without what a gateway is not well."""

    async def safe_to_sell() -> str | None:
        try:
            reason = await unsafe_durability(redis)
        except AWAY:
            return "away"
        return reason and f"not safe to sell on: {reason}"

    async def subscribed() -> str | None:
        return None if bus.connected else "subscriptions are away"

    return {"redis": safe_to_sell, "bus": subscribed}


def lifespan_of(redis: Connection, bus: RedisBus, prepare: Job, jobs: Sequence[Job]) -> Lifespan:
    """Runs the jobs while the gateway serves, once the functions are loaded and it is prepared."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await load_library_once_up(redis)
        await prepare()
        tasks = [asyncio.create_task(_crash_with(job)) for job in jobs]
        try:
            await _wait_for(bus)
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return lifespan


async def _wait_for(bus: RedisBus) -> None:
    """Lets nobody in before rooms can be heard; a server that stays away keeps nobody out for long."""
    try:
        await asyncio.wait_for(bus.ready(), BUS_SECONDS)
    except TimeoutError:
        log.warning("serving without subscriptions; they are tried again")


async def _crash_with(job: Job) -> None:
    """A job that fails ends its process: the supervisor starts a whole one again."""
    try:
        await job()
    except Exception:
        log.exception("a job failed; this process ends")
        os.kill(os.getpid(), signal.SIGTERM)
        raise
