"""Refunds of confirmed orders that the provider must be asked for, or about."""

from __future__ import annotations

import asyncio
import logging

from livecommerce.aftersales.refund_desk import OutgoingRefund, RefundDesk
from livecommerce.errors import DomainError
from livecommerce.fail_points import reach
from livecommerce.worker.backoff import keep_stepping

BATCH = 50
IDLE_SECONDS = 1.0

log = logging.getLogger(__name__)


class RefundWatch:
    """Pursues refunds until they are done or have failed; several workers may do so at once."""

    def __init__(self, desk: RefundDesk) -> None:
        self._desk = desk

    async def run(self) -> None:
        """Pursues until it is cancelled; where a part is away it tries again, ever more slowly."""
        await keep_stepping(self.step, BATCH, IDLE_SECONDS, log, "refunds")

    async def step(self) -> int:
        """Pursues what is due now; answers how many refunds."""
        due = await self._desk.due(BATCH)
        if due:
            reach("refunds.after_lease")
        await asyncio.gather(*(self._try(refund) for refund in due))
        return len(due)

    async def _try(self, refund: OutgoingRefund) -> None:
        """One refund's trouble concerns no other; it comes again when its lease is over."""
        try:
            await self._desk.pursue(refund)
        except DomainError as error:
            log.warning("refund %s comes again: %s", refund.refund, error)
