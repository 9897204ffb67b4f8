"""Reconciles when an operator asks for it on the console."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from livecommerce.clock import Clock
from livecommerce.errors import DomainError
from livecommerce.ledger.backend import LedgerAway, UnknownLedger
from livecommerce.ledger.bill import BadBill
from livecommerce.ledger.reconcile import ReconciliationRequest
from livecommerce.worker.backoff import step_every

IDLE_SECONDS = 2.0

log = logging.getLogger(__name__)


class Requests(Protocol):
    """What operators ask for; every method raises ``Unavailable`` while SQL is away."""

    async def take(self, now_ms: int) -> ReconciliationRequest | None:
        """The request, for the one worker that gets it."""
        ...

    async def finish(self, request: ReconciliationRequest, error: str = "") -> None:
        """It is done, or could not be."""
        ...


class Reconciliations:
    """Does what is asked for; several workers may wait for it at once, and one gets it."""

    def __init__(self, requests: Requests, reconcile: Callable[[], Awaitable[object]], clock: Clock) -> None:
        self._requests = requests
        self._reconcile = reconcile
        self._clock = clock

    async def run(self) -> None:
        """Works until it is cancelled."""
        await step_every(IDLE_SECONDS, self.step, log, "Reconciling waits")

    async def step(self) -> bool:
        """Answers whether there was something to do. A worker that dies over it leaves it to another."""
        request = await self._requests.take(self._clock())
        if request is None:
            return False
        await self._requests.finish(request, await self._done())
        return True

    async def _done(self) -> str:
        """Why it could not be done; empty where it was."""
        try:
            await self._reconcile()
        except (LedgerAway, UnknownLedger, BadBill, DomainError, OSError) as error:
            log.warning("could not reconcile: %s", error)
            return str(error) or type(error).__name__
        except Exception as error:  # what cannot be read is for the operator to see, and ends no other job
            log.exception("could not reconcile")
            return f"{type(error).__name__}: {error}"
        return ""
