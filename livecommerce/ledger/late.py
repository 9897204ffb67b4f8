"""A ledger that is opened when it is first needed, and again when that failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from livecommerce.ledger.backend import Balance, Health, LedgerAway, LedgerBackend, Outcome, Posted
from livecommerce.ledger.entry import Entry


class LateLedger:
    """Implements ``LedgerBackend`` over one that may be away when the process starts."""

    def __init__(self, scheme: str, opening: Callable[[], Awaitable[LedgerBackend]]) -> None:
        self._scheme = scheme
        self._opening = opening
        self._opened: LedgerBackend | None = None
        self._lock = asyncio.Lock()

    async def post(self, batch: Sequence[Entry]) -> Sequence[Posted]:
        """Takes entries; none while the ledger cannot be opened."""
        try:
            ledger = await self._ledger()
        except LedgerAway as error:
            return [Posted(outcome=Outcome.RETRY, reason=str(error))] * len(batch)
        return await ledger.post(batch)

    async def lookup(self, order: str) -> Sequence[Entry]:
        """An order's entries."""
        return await (await self._ledger()).lookup(order)

    async def recent(self, limit: int) -> Sequence[Entry]:
        """The last applied entries, newest first."""
        return await (await self._ledger()).recent(limit)

    async def scan(self, owner: str = "") -> AsyncIterator[Entry]:
        """All entries in the order they were applied, or those that touch an owner's accounts."""
        async for entry in (await self._ledger()).scan(owner):
            yield entry

    async def trial_balance(self) -> Sequence[Balance]:
        """Both sides of every account."""
        return await (await self._ledger()).trial_balance()

    async def health(self) -> Health:
        """Whether it takes entries; one that cannot be opened does not."""
        try:
            return await (await self._ledger()).health()
        except LedgerAway as error:
            return Health(backend=self._scheme, healthy=False, detail=str(error))

    async def aclose(self) -> None:
        """Closes the ledger if it was opened."""
        if self._opened is not None:
            await self._opened.aclose()

    async def _ledger(self) -> LedgerBackend:
        async with self._lock:
            if self._opened is None:
                self._opened = await self._opening()
            return self._opened
