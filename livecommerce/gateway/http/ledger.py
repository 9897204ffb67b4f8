"""The ledger for operators: how it is, its last entries, and the letters it refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.clock import Clock
from livecommerce.errors import Unavailable
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, query, read
from livecommerce.gateway.http.operation import Resource, in_role
from livecommerce.gateway.http.request_trail import RequestTrail
from livecommerce.ids import Shard
from livecommerce.ledger.backend import LedgerAway, LedgerBackend
from livecommerce.ledger.books import Glance, LedgerGlance, look, measure
from livecommerce.ledger.entry import Entry
from livecommerce.ledger.queue import DeadLetter, QueueDesk
from livecommerce.ledger.reconcile import Reconciliation, ReconciliationRequest
from livecommerce.outbox import Outbox, OutboxLag

MAX_ENTRIES = 200
REFRESH_SECONDS = 5.0

log = logging.getLogger(__name__)


class RetryRequest(Struct, frozen=True, kw_only=True):
    """Which dead letters to send again; none named means all."""

    ids: Annotated[tuple[Annotated[str, Meta(max_length=120)], ...], Meta(max_length=MAX_ENTRIES)] = ()


class HowMany(Struct, frozen=True, kw_only=True):
    """How many entries."""

    limit: Annotated[int, Meta(ge=1, le=MAX_ENTRIES)] = 50


class EntryLine(Struct, frozen=True, kw_only=True):
    """An amount on one side of one account."""

    account: str
    debit_minor: int
    credit_minor: int
    currency: str


class EntryView(Struct, frozen=True, kw_only=True):
    """Postings whose debits equal their credits."""

    entry: str
    order: str
    at_ms: int
    kind: str
    lines: tuple[EntryLine, ...]


class EntryList(Struct, frozen=True):
    """Entries, newest first."""

    entries: list[EntryView]


class DeadLetters(Struct, frozen=True):
    """What the ledger refused."""

    dead_letters: Sequence[DeadLetter]


class Retried(Struct, frozen=True):
    """How many letters are sent again."""

    sent: int


class BooksView(Struct, frozen=True, kw_only=True):
    """Everything between a confirmed order and its entries, and whether they agreed when last compared."""

    outbox: OutboxLag
    ledger: LedgerGlance
    reconciliation: Reconciliation | None
    reconciling: ReconciliationRequest | None
    """Asked for, under way, or failed; null: nothing is."""


class Reconciliations(Protocol):
    """What reconciling found, and what is asked for."""

    async def request(self, now_ms: int) -> ReconciliationRequest:
        """Asks for one; where somebody has asked already, it is theirs. Raises ``Unavailable``."""
        ...

    async def requested(self) -> ReconciliationRequest | None:
        """What is asked for, under way, or failed. Raises ``Unavailable``."""
        ...

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

    async def overview(self) -> BooksView:
        """How everything is now.

        Raises:
            Unavailable: Redis or SQL is away.
        """
        glance = await look(self._outbox, self._shards, self.queue, self.ledger)
        return BooksView(
            outbox=glance.outbox,
            ledger=glance.ledger,
            reconciliation=await self._reconciliations.last(),
            reconciling=await self._reconciliations.requested(),
        )

    async def reconcile(self) -> ReconciliationRequest:
        """Has a worker compare everything; while one is at it, or is about to be, it is that one.

        Raises:
            Unavailable: SQL is away.
        """
        return await self._reconciliations.request(self._clock())

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

    async def list_entries(request: Request) -> Answer[EntryList]:
        """What was booked last."""
        (await door.signed_in(request)).require("operator")
        try:
            found = await books.ledger.recent(query(request, HowMany).limit)
        except LedgerAway as error:
            raise Unavailable("ledger_away", reason=str(error)) from error
        return answer(EntryList([_shown(entry) for entry in found]))

    async def list_dead_letters(request: Request) -> Answer[DeadLetters]:
        """What the ledger refused, and what waits for it."""
        (await door.signed_in(request)).require("operator")
        return answer(DeadLetters(await books.queue.dead_letters(MAX_ENTRIES)))

    async def retry_dead_letters(request: Request) -> Answer[Retried]:
        """Sends dead letters again."""
        person = await door.signed_in(request)
        person.require("operator")
        wanted = await read(request, RetryRequest)
        count = await books.queue.retry(wanted.ids)
        await trail.note(request, person, "ledger.retry", "ledger", after={"ids": wanted.ids, "sent": count})
        return answer(Retried(count))

    async def reconcile(request: Request) -> Answer[ReconciliationRequest]:
        """Has orders, sold units, ledger and bill compared; pressed twice, it is done once."""
        person = await door.signed_in(request)
        person.require("operator")
        wanted = await books.reconcile()
        await trail.note(request, person, "ledger.reconcile", "ledger", after=wanted)
        return answer(wanted, 202)

    api, letters = Resource("console", in_role("operator")), "/api/console/ledger/dead-letters"
    return [
        api.operation(
            "GET",
            "/api/console/ledger",
            list_entries,
            EntryList,
            query=HowMany,
            refuses={Unavailable: ["ledger_away"]},
        ),
        api.operation("GET", letters, list_dead_letters, DeadLetters),
        api.operation("POST", "/api/console/ledger/reconcile", reconcile, ReconciliationRequest, status=202),
        api.operation("POST", f"{letters}/retry", retry_dead_letters, Retried, takes=RetryRequest),
    ]


def _shown(entry: Entry) -> EntryView:
    lines = tuple(
        EntryLine(
            account=posting.account,
            debit_minor=posting.debit_minor,
            credit_minor=posting.credit_minor,
            currency=entry.currency,
        )
        for posting in entry.postings
    )
    return EntryView(entry=entry.entry, order=entry.order, at_ms=entry.at_ms, kind=entry.kind, lines=lines)
