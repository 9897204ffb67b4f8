"""Receipt by time: an order counts as received when its buyer has said nothing for long enough."""

from __future__ import annotations

import logging
from typing import Protocol

from livecommerce.clock import Clock
from livecommerce.fail_points import reach
from livecommerce.worker.backoff import keep_stepping

BATCH = 100
IDLE_SECONDS = 30.0

log = logging.getLogger(__name__)


class Receipts(Protocol):
    """Orders that are on their way."""

    async def receive_due(self, now_ms: int, count: int) -> int:
        """Orders whose time has come count as received; answers how many.

        Raises:
            Unavailable: nothing is certain; what is still due is received later.
        """
        ...


class ReceiptByTime:
    """Several workers may do so at once."""

    def __init__(self, receipts: Receipts, clock: Clock) -> None:
        self._receipts = receipts
        self._clock = clock

    async def run(self) -> None:
        """Runs until it is cancelled."""
        await keep_stepping(self.step, BATCH, IDLE_SECONDS, log, "receipts")

    async def step(self) -> int:
        """Handles one batch; answers how many orders."""
        received = await self._receipts.receive_due(self._clock(), BATCH)
        reach("receipt.after_commit")
        return received
