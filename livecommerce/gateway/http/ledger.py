"""The ledger for operators: how it is, its last entries, and the letters it refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.clock import Clock
from livecommerce.errors import Unavailable
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import answer, query_number, read
from livecommerce.gateway.http.request_trail import RequestTrail
from livecommerce.ids import Shard
from livecommerce.ledger.backend import LedgerAway, LedgerBackend
from livecommerce.ledger.books import Glance, look, measure
from livecommerce.ledger.entry import Entry
from livecommerce.ledger.queue import QueueDesk
from livecommerce.ledger.reconcile import Reconciliation
from livecommerce.outbox import Outbox

MAX_ENTRIES = 200
REFRESH_SECONDS = 5.0

log = logging.getLogger(__name__)


class RetryRequest(Struct, frozen=True, kw_only=True):
    """Which dead letters to send again; none named means all."""

    ids: tuple[str, ...] = ()


class Reconciliations(Protocol):
    """What reconciling found."""

    async def last(self) -> Reconciliation | None:
        """The newest one; ``None`` if there was none yet. Raises ``Unavailable``."""
        ...


class LedgerBooks:
    """Outbox, queue and ledger of the deployment, as the gateway shows them."""

    def __init__(
        self,
        outbox: Outbox,
        shards: Sequence[Shard],
        queue: QueueDesk,
        ledger: LedgerBackend,
        reconciliations: Reconciliations,
        clock: Clock,
    ) -> None:
        self.queue = queue
        self._reconciliations = reconciliations
        self.ledger = ledger
        self._outbox = outbox
        self._shards = shards
        self._clock = clock
        self._last: Glance | None = None

    async def overview(self) -> Mapping[str, Any]:
        """The ``outbox``, ``ledger`` and last ``reconciliation`` of ``GET /api/console``."""
        glance = await look(self._outbox, self._shards, self.queue, self.ledger)
        last = await self._reconciliations.last()
        return {"outbox": glance.outbox, "ledger": glance.ledger, "reconciliation": last}

    async def run(self) -> None:
        """Keeps the gauges fresh until it is cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    async def refresh(self) -> None:
        """Measures what the gauges show."""
        try:
            self._last = await measure(self._outbox, self._shards, self.queue, self.ledger)
        except Unavailable as error:
            self._last = None
            log.warning("The ledger's gauges are not known: %s", error)

    def gauges(self) -> Mapping[str, float]:
        """For ``/metrics``; empty while nothing is known."""
        if self._last is None:
            return {}
        outbox, ledger = self._last.outbox, self._last.ledger
        return {
            "livecommerce_outbox_length": outbox.length,
            "livecommerce_outbox_age_seconds": self._age(outbox.oldest_ms),
            "livecommerce_ledger_pending": ledger.pending,
            "livecommerce_ledger_age_seconds": self._age(ledger.oldest_ms),
            "livecommerce_ledger_dead_letters": ledger.dead,
            "livecommerce_ledger_up": ledger.healthy,
        }

    def _age(self, oldest_ms: int | None) -> float:
        return 0.0 if oldest_ms is None else max(0, self._clock() - oldest_ms) / 1000


def ledger_routes(books: LedgerBooks, door: Door, trail: RequestTrail) -> list[BaseRoute]:
    """``/api/console/ledger``, for operators."""

    async def entries(request: Request) -> Response:
        (await door.signed_in(request)).require("operator")
        limit = min(max(query_number(request, "limit", 50), 1), MAX_ENTRIES)
        try:
            found = await books.ledger.recent(limit)
        except LedgerAway as error:
            raise Unavailable("ledger_away", reason=str(error)) from error
        return answer({"entries": [_shown(entry) for entry in found]})

    async def dead_letters(request: Request) -> Response:
        (await door.signed_in(request)).require("operator")
        return answer({"dead_letters": await books.queue.dead_letters(MAX_ENTRIES)})

    async def retry(request: Request) -> Response:
        person = await door.signed_in(request)
        person.require("operator")
        wanted = await read(request, RetryRequest)
        count = await books.queue.retry(wanted.ids)
        await trail.note(request, person, "ledger.retry", "ledger", after={"ids": wanted.ids, "sent": count})
        return answer({"sent": count})

    return [
        Route("/api/console/ledger", entries, methods=["GET"]),
        Route("/api/console/ledger/dead-letters", dead_letters, methods=["GET"]),
        Route("/api/console/ledger/dead-letters/retry", retry, methods=["POST"]),
    ]


def _shown(entry: Entry) -> dict[str, Any]:
    return {
        "entry": entry.entry,
        "order": entry.order,
        "at_ms": entry.at_ms,
        "kind": entry.kind,
        "lines": [
            {
                "account": posting.account,
                "debit_minor": posting.debit_minor,
                "credit_minor": posting.credit_minor,
                "currency": entry.currency,
            }
            for posting in entry.postings
        ],
    }
