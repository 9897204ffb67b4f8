"""Deadlines: holds, payments, sales and coupons whose time is over.

An overdue hold is given back at once. An overdue payment is ended at the provider first, and only when it
is certain that no money will be captured are its units given back; until then it is tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from livecommerce.errors import DomainError
from livecommerce.fail_points import reach
from livecommerce.ids import OrderId, Shard
from livecommerce.orders import ClosingOrder, OrderCard, Sweep
from livecommerce.worker.backoff import keep_stepping

BATCH = 100
IDLE_SECONDS = 0.5

log = logging.getLogger(__name__)


class Deadlines(Protocol):
    """Orders that can run out."""

    async def sweep(self, shard: Shard, count: int) -> Sweep:
        """Expires overdue holds, closes sales that are over, leases overdue payments."""
        ...

    async def release(self, order: OrderId, v: int) -> OrderCard:
        """Ends a closing order; does nothing if its version has moved on."""
        ...

    async def forget(self, shard: Shard, count: int) -> int:
        """Removes orders that SQL has had for a while."""
        ...


class Grants(Protocol):
    """Coupons that can run out."""

    async def sweep(self, shard: Shard, count: int) -> int:
        """Expires grants whose time is over."""
        ...


class Closer(Protocol):
    """Ends payments at their provider."""

    async def close(self, payment: str) -> bool:
        """True: no capture will come any more, or it is dealt with."""
        ...


class Expiry:
    """Sweeps every shard; several workers may do so at once."""

    def __init__(self, orders: Deadlines, grants: Grants, closer: Closer, shards: Sequence[Shard]) -> None:
        self._orders = orders
        self._grants = grants
        self._closer = closer
        self._shards = shards

    async def run(self) -> None:
        """Sweeps until it is cancelled; where the server is away it tries again, ever more slowly."""
        await keep_stepping(self.step, BATCH, IDLE_SECONDS, log, "deadlines")

    async def step(self) -> int:
        """Sweeps every shard once; answers how many deadlines were handled."""
        return sum([await self._sweep(shard) for shard in self._shards])

    async def _sweep(self, shard: Shard) -> int:
        sweep = await self._orders.sweep(shard, BATCH)
        if sweep.handled:
            reach("expiry.after_sweep")
        await asyncio.gather(*(self._end(closing) for closing in sweep.closing))
        expired = await self._grants.sweep(shard, BATCH)
        await self._orders.forget(shard, BATCH)
        return sweep.handled + expired

    async def _end(self, closing: ClosingOrder) -> None:
        """Ends one unpaid order; on any doubt it stays closing and comes again when its lease is over."""
        try:
            if await self._closer.close(closing.payment):
                reach("expiry.after_close")
                await self._orders.release(OrderId(closing.order), closing.v)
        except DomainError as error:
            log.warning("order %s stays closing: %s", closing.order, error)
