"""The projector: applies the outbox to SQL, and tells the live system which orders SQL owns from now on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Protocol

from livecommerce.errors import Unavailable
from livecommerce.fail_points import reach
from livecommerce.ids import OrderId, Shard
from livecommerce.outbox import Outbox, OutboxRecord
from livecommerce.worker.backoff import backoff_ms

BATCH = 200
WAIT_MS = 2_000
"""How long a read waits for records; shorter than the connection's time-out."""

log = logging.getLogger(__name__)


class Projection(Protocol):
    """Where facts are applied."""

    async def apply(self, records: Sequence[OutboxRecord]) -> Collection[OrderId]:
        """Applies facts, each once however often it is told; answers which of their orders SQL has.

        Raises:
            Unavailable: nothing is certain; the same facts are applied again later.
        """
        ...


class LiveOrders(Protocol):
    """The live system's side of handing an order over."""

    async def projected(self, order: OrderId) -> None:
        """SQL has the order; the live system may forget it."""
        ...


class Projector:
    """Reads each shard by itself, so that one shard's trouble concerns no other.

    The order of steps makes a kill between any two harmless: SQL first, then the live system, and only then
    the acknowledgement; each step may be repeated.
    """

    def __init__(
        self,
        outbox: Outbox,
        projection: Projection,
        live_orders: LiveOrders,
        shards: Sequence[Shard],
        *,
        batch: int = BATCH,
    ) -> None:
        self._outbox = outbox
        self._projection = projection
        self._live_orders = live_orders
        self._shards = shards
        self._batch = batch

    async def run(self) -> None:
        """Projects until it is cancelled; where a part is away it tries again, ever more slowly."""
        async with asyncio.TaskGroup() as group:
            for shard in self._shards:
                group.create_task(self._run_shard(shard), name=f"projector {shard}")

    async def step(self) -> int:
        """Projects what is there now, one batch a shard; answers how many records."""
        return sum([await self._step(shard, 1) for shard in self._shards])

    async def _run_shard(self, shard: Shard) -> None:
        failures = 0
        while True:
            try:
                await self._step(shard, WAIT_MS)
                failures = 0
            except Unavailable as error:
                failures += 1
                log.warning("Projection of shard %s waits: %s", shard, error)
                await asyncio.sleep(backoff_ms(failures, 100, 10_000) / 1000)

    async def _step(self, shard: Shard, wait_ms: int) -> int:
        records = await self._outbox.read(shard, self._batch, wait_ms)
        if records:
            reach("projector.after_read")
            written = await self._projection.apply(records)
            reach("projector.after_sql")
            for order in written:
                await self._live_orders.projected(order)
            reach("projector.after_hand_over")
            await self._outbox.acknowledge(shard, [record.position for record in records])
            reach("projector.after_acknowledge")
        return len(records)
