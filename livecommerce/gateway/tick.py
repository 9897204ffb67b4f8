"""When a room's state and crowd go out: at once in a quiet room, and no more often than its size allows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized

TICK_SECONDS = 0.05
SLOWEST_TICK_SECONDS = 0.25
DELIVERIES_PER_SECOND = 40_000
"""The tick grows with the room, from 2,000 viewers on, since its cost is viewers times ticks."""
COUNTS_SECONDS = 0.25
"""How often numbers that nobody waits for (viewers, likes) cause a frame of their own."""
GATHER = 0.2
"""This share of a tick is waited even after a pause, for what comes together."""


def tick_seconds(viewers: int) -> float:
    """The shortest time between two flushes of a room with so many viewers."""
    return min(SLOWEST_TICK_SECONDS, max(TICK_SECONDS, viewers / DELIVERIES_PER_SECOND))


class Tick:
    """A room's timer; it runs only while something waits."""

    def __init__(self, flush: Callable[[], None], loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._flush = flush
        self._loop = loop or asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._pause_seconds = 0.0
        self._passed_at = float("-inf")

    def ask(self, viewers: Sized, pause_seconds: float = 0.0) -> None:
        """Something waits; it goes out a tick after the last flush, or after the pause if that is longer."""
        if self._timer is not None:
            if pause_seconds >= self._pause_seconds:
                return
            self._timer.cancel()
        tick = tick_seconds(len(viewers))
        due = max(self._loop.time() + tick * GATHER, self._passed_at + max(tick, pause_seconds))
        self._timer, self._pause_seconds = self._loop.call_at(due, self._flush), pause_seconds

    def passed(self) -> None:
        """Everything that waited has gone out."""
        self.stop()
        self._passed_at = self._loop.time()

    def stop(self) -> None:
        """Nothing goes out any more by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
