"""Stranded stock: units lent to a sale that never got them, as a gateway died in between."""

from __future__ import annotations

import logging
from typing import Protocol

from livecommerce.catalog import Allocation
from livecommerce.clock import Clock
from livecommerce.ids import SaleId
from livecommerce.worker.backoff import step_every

STRANDED_MS = 300_000
"""How long a gateway may take to open or change a sale after the stock for it was lent."""
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


class Changes(Protocol):
    """Stock that was to follow a sale's first units."""

    async def unconfirmed(self, before_ms: int) -> list[tuple[SaleId, str]]:
        """Sale and operation of what was lent before then and neither confirmed nor called off."""
        ...

    async def confirm(self, operation: str) -> None:
        """The sale has the units."""
        ...

    async def call_off(self, sale: SaleId, operation: str) -> None:
        """The sale never gets the units. Repeated, it changes nothing."""
        ...


class Sales(Protocol):
    """The live system's sales."""

    async def void(self, sale: SaleId) -> bool:
        """Makes sure that a sale which is not there never opens; false where it is there."""
        ...

    async def void_adjustment(self, sale: SaleId, operation: str) -> bool:
        """Makes sure that a change which was not made never is; false where it was made."""
        ...


class StrandedStock:
    """Brings stranded stock back; several workers may do so at once."""

    def __init__(self, loans: Loans, changes: Changes, sales: Sales, clock: Clock) -> None:
        self._loans = loans
        self._changes = changes
        self._sales = sales
        self._clock = clock

    async def run(self) -> None:
        """Looks every minute until it is cancelled."""
        await step_every(IDLE_SECONDS, self.step, log, "stranded stock waits")

    async def step(self) -> int:
        """Looks once; answers how often stock came back."""
        now_ms = self._clock()
        return await self._never_opened(now_ms) + await self._never_changed(now_ms)

    async def _never_opened(self, now_ms: int) -> int:
        old = await self._loans.open_allocations(now_ms - STRANDED_MS)
        stranded = [sale for sale in old if await self._sales.void(sale)]
        for sale in stranded:
            await self._loans.take_back(sale, 0, now_ms)
            log.warning("sale %s never opened; its stock is back in the shop", sale)
        return len(stranded)

    async def _never_changed(self, now_ms: int) -> int:
        stranded = 0
        for sale, operation in await self._changes.unconfirmed(now_ms - STRANDED_MS):
            if await self._sales.void_adjustment(sale, operation):
                await self._changes.call_off(sale, operation)
                log.warning("sale %s never got more units; they are back in the shop", sale)
                stranded += 1
            else:
                await self._changes.confirm(operation)
        return stranded
