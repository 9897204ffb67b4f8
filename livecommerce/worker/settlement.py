"""Settlement: what was pending becomes available when an order's return window is over."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from livecommerce.clock import Clock
from livecommerce.errors import Unavailable
from livecommerce.fail_points import reach

BATCH = 200
IDLE_SECONDS = 30.0

log = logging.getLogger(__name__)


class Settlements(Protocol):
    """Orders that can be settled."""

    async def settle_due(self, now_ms: int, count: int) -> int:
        """Settles orders whose return window is over; answers how many.

        Raises:
            Unavailable: nothing is certain; what is still due is settled later.
        """
        ...


class Settler:
    """Settles what is due; several workers may do so at once."""

    def __init__(self, settlements: Settlements, clock: Clock) -> None:
        self._settlements = settlements
        self._clock = clock

    async def run(self) -> None:
        """Settles until it is cancelled."""
        while True:
            try:
                settled = await self.step()
            except Unavailable as error:
                log.warning("Settlement waits: %s", error)
                settled = 0
            if settled < BATCH:
                await asyncio.sleep(IDLE_SECONDS)

    async def step(self) -> int:
        """Settles one batch; answers how many orders."""
        settled = await self._settlements.settle_due(self._clock(), BATCH)
        reach("settlement.after_commit")
        return settled
