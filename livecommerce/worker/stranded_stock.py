"""Stranded stock: units lent to a sale that never opened, as its gateway died in between."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from livecommerce.catalog import Allocation
from livecommerce.clock import Clock
from livecommerce.errors import Unavailable
from livecommerce.ids import SaleId

STRANDED_MS = 300_000
"""How long a gateway may take to open a sale after its stock was lent."""
IDLE_SECONDS = 60.0

log = logging.getLogger(__name__)


class Loans(Protocol):
    """Stock out on sales."""

    async def open_allocations(self, before_ms: int) -> list[SaleId]:
        """Sales whose loan began before then, has not ended, and of which SQL has no order."""
        ...

    async def take_back(self, sale: SaleId, sold: int, at_ms: int) -> Allocation:
        """Ends a sale's loan. Repeated, it changes nothing."""
        ...


class Sales(Protocol):
    """The live system's sales."""

    async def void(self, sale: SaleId) -> bool:
        """Makes sure that a sale which is not there never opens; false where it is there."""
        ...


class StrandedStock:
    """Brings stranded stock back; several workers may do so at once."""

    def __init__(self, loans: Loans, sales: Sales, clock: Clock) -> None:
        self._loans = loans
        self._sales = sales
        self._clock = clock

    async def run(self) -> None:
        """Looks every minute until it is cancelled."""
        while True:
            try:
                await self.step()
            except Unavailable as error:
                log.warning("stranded stock waits: %s", error)
            await asyncio.sleep(IDLE_SECONDS)

    async def step(self) -> int:
        """Looks once; answers how many sales' stock came back."""
        now_ms = self._clock()
        old = await self._loans.open_allocations(now_ms - STRANDED_MS)
        stranded = [sale for sale in old if await self._sales.void(sale)]
        for sale in stranded:
            await self._loans.take_back(sale, 0, now_ms)
            log.warning("sale %s never opened; its stock is back in the shop", sale)
        return len(stranded)
