"""Draws whose window is over are made, whatever dies in between.

The entries are fixed and the seed was promised, so every worker works out the same order, any number of
times; it is kept in stretches and counts only when the draw is finished, which happens once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from livecommerce.fail_points import reach
from livecommerce.ids import Shard
from livecommerce.lottery import DueDraw, Lotteries, Seeds, make_draw, stretches
from livecommerce.worker.backoff import keep_stepping

BATCH = 10
"""Draws looked for at a time, of each shard."""
STRETCH = 100
"""People whose rank is kept in one call."""
IDLE_SECONDS = 0.5

log = logging.getLogger(__name__)


class Draws:
    """Looks at every shard; several workers may do so at once."""

    def __init__(self, lotteries: Lotteries, seeds: Seeds, shards: Sequence[Shard]) -> None:
        self._lotteries = lotteries
        self._seeds = seeds
        self._shards = shards

    async def run(self) -> None:
        """Draws until it is cancelled."""
        await keep_stepping(self.step, BATCH, IDLE_SECONDS, log, "draws")

    async def step(self) -> int:
        """Makes what is due; answers how many."""
        due = [draw for shard in self._shards for draw in await self._lotteries.due(shard, BATCH)]
        for one in due:
            await self._make(one)
        return len(due)

    async def _make(self, due: DueDraw) -> None:
        """Draws; where units changed meanwhile it is tried again when the lease is over."""
        sale = due.sale
        if self._seeds.commit(sale) != due.commit:
            log.error("sale %s cannot be drawn: TOKEN_SECRET is not the one it was opened with", sale)
            return
        entrants = await self._lotteries.entrants(sale)
        units = await self._lotteries.units(sale)
        draw = make_draw(sale, self._seeds.seed(sale), units, list(entrants.values()))
        for first, stretch in stretches(draw, entrants, STRETCH):
            await self._lotteries.rank(sale, first, stretch)
            reach("draws.after_rank")
        if not await self._lotteries.finish(draw):
            log.info("the draw of sale %s is made again", sale)
        reach("draws.after_finish")
