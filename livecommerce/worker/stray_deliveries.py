"""Addresses chosen for orders that were never paid: kept while late money may still come, then forgotten."""

from __future__ import annotations

import logging
from typing import Protocol

from livecommerce.clock import Clock
from livecommerce.worker.backoff import step_every

KEPT_MS = 30 * 24 * 3_600_000
"""As long as a capture that comes too late can still become an order or be given back."""
IDLE_SECONDS = 3_600.0

log = logging.getLogger(__name__)


class Chosen(Protocol):
    """Deliveries that were chosen."""

    async def prune(self, before_ms: int) -> int:
        """Forgets those chosen before then whose order was never paid; answers how many."""
        ...


class StrayDeliveries:
    """Forgets personal data that no order needs; several workers may do so at once."""

    def __init__(self, chosen: Chosen, clock: Clock) -> None:
        self._chosen = chosen
        self._clock = clock

    async def run(self) -> None:
        """Looks every hour until it is cancelled."""
        await step_every(IDLE_SECONDS, self.step, log, "stray addresses wait")

    async def step(self) -> int:
        """Looks once; answers how many were forgotten."""
        return await self._chosen.prune(self._clock() - KEPT_MS)
