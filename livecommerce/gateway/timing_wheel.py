"""One timer for all connections: each is looked at when its second comes round."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Protocol

SLOTS = 64
"""Seconds that can be waited for; longer waits are looked at in between."""

log = logging.getLogger(__name__)


class Timed(Protocol):
    """Something that wants to be looked at later."""

    def on_time(self, now: float) -> float | None:
        """Does what is due at ``now`` (loop time); answers seconds until the next look, or ``None``."""
        ...


class TimingWheel:
    """Buckets of one second; adding costs an append, and nothing is ever cancelled.

    Whoever no longer cares returns ``None`` when asked.
    """

    def __init__(self) -> None:
        self._slots: list[deque[Timed]] = [deque() for _ in range(SLOTS)]
        self._position = 0

    def add(self, timed: Timed, seconds: float) -> None:
        """Asks to be looked at in some seconds, rounded up."""
        ahead = min(SLOTS - 1, max(1, int(seconds + 0.999)))
        self._slots[(self._position + ahead) % SLOTS].append(timed)

    def turn(self, now: float) -> None:
        """One second has passed."""
        self._position = (self._position + 1) % SLOTS
        due, self._slots[self._position] = self._slots[self._position], deque()
        for timed in due:
            try:
                seconds = timed.on_time(now)
            except Exception:
                log.exception("what was due failed")
                continue
            if seconds is not None:
                self.add(timed, seconds)

    async def run(self) -> None:
        """Turns once a second until cancelled; seconds that the loop was late are caught up."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += 1.0
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.turn(loop.time())
