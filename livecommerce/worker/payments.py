"""Payments whose callback may never come, and captures that must go back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Protocol

from livecommerce.errors import DomainError
from livecommerce.fail_points import reach
from livecommerce.ids import Shard
from livecommerce.payment import DueRefund
from livecommerce.worker.backoff import keep_stepping

BATCH = 50
IDLE_SECONDS = 1.0

log = logging.getLogger(__name__)


class Schedule(Protocol):
    """What is due; each entry is leased to its reader and comes again until it is decided."""

    async def due(self, shard: Shard, count: int) -> Sequence[str]:
        """Payments to ask the provider about."""
        ...

    async def due_refunds(self, shard: Shard, count: int) -> Sequence[DueRefund]:
        """Captures that must go back."""
        ...


class Desk(Protocol):
    """Talks with the provider and takes in what it says."""

    async def ask(self, payment: str) -> str:
        """Asks how a payment stands and takes in the answer."""
        ...

    async def refund(self, due: DueRefund) -> None:
        """Gives a capture back."""
        ...


class PaymentWatch:
    """Asks and refunds, shard by shard; several workers may do so at once."""

    def __init__(self, schedule: Schedule, desk: Desk, shards: Sequence[Shard]) -> None:
        self._schedule = schedule
        self._desk = desk
        self._shards = shards

    async def run(self) -> None:
        """Watches until it is cancelled; where the server is away it tries again, ever more slowly."""
        await keep_stepping(self.step, BATCH, IDLE_SECONDS, log, "payments")

    async def step(self) -> int:
        """Handles what is due now; answers how much that was."""
        return sum([await self._watch(shard) for shard in self._shards])

    async def _watch(self, shard: Shard) -> int:
        payments = await self._schedule.due(shard, BATCH)
        if payments:
            reach("payments.after_lease")
        await asyncio.gather(*(self._try(payment, self._desk.ask(payment)) for payment in payments))
        refunds = await self._schedule.due_refunds(shard, BATCH)
        if refunds:
            reach("payments.after_refund_lease")
        await asyncio.gather(*(self._try(due.payment, self._desk.refund(due)) for due in refunds))
        return len(payments) + len(refunds)

    async def _try(self, payment: str, work: Awaitable[object]) -> None:
        """One payment's trouble concerns no other; it comes again when its lease is over."""
        try:
            await work
        except DomainError as error:
            log.warning("payment %s comes again: %s", payment, error)
