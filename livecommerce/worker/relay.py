"""The relay: books what stands in the SQL outbox, at least once; the ledger's ids make it count once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence

from livecommerce.clock import Clock
from livecommerce.errors import Unavailable
from livecommerce.fail_points import reach
from livecommerce.ledger.backend import LedgerBackend, Outcome, Posted
from livecommerce.ledger.booking import book
from livecommerce.ledger.entries import BadHistory
from livecommerce.ledger.entry import Entry
from livecommerce.ledger.facts import UnknownFact, read_fact
from livecommerce.ledger.queue import LedgerQueue, Letter, LetterState, Verdict
from livecommerce.worker.backoff import backoff_ms

BATCH = 200
LEASE_MS = 30_000
IDLE_SECONDS = 0.25
GIVE_UP_ATTEMPTS = 10
GIVE_UP_MS = 75 * 3_600_000
"""A letter is dead after this many attempts over this long, as Standard Webhooks advises."""

log = logging.getLogger(__name__)


class Relay:
    """Posts letters to the ledger and settles them by its answers; several workers may relay at once.

    A letter is settled after the ledger has answered. A kill in between has it posted again, which the ledger
    answers with ``duplicate``. A ledger that takes nothing at all is left alone for a while, and no letter's
    attempts are counted.
    """

    def __init__(
        self,
        queue: LedgerQueue,
        ledger: LedgerBackend,
        worker: str,
        clock: Clock,
        *,
        batch: int = BATCH,
        lease_ms: int = LEASE_MS,
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._worker = worker
        self._clock = clock
        self._batch = batch
        self._lease_ms = lease_ms
        self._failures = 0
        self._pause_ms = 0

    async def run(self) -> None:
        """Relays until it is cancelled."""
        while True:
            try:
                handled = await self.step()
            except Unavailable as error:
                log.warning("The relay waits: %s", error)
                handled, self._pause_ms = 0, self._fail()
            if not handled:
                await asyncio.sleep(max(IDLE_SECONDS, self._pause_ms / 1000))

    async def step(self) -> int:
        """Relays one batch; answers how many letters got a final answer."""
        letters = await self._queue.lease(self._worker, self._batch, self._clock(), self._lease_ms)
        if not letters:
            self._pause_ms = 0
            return 0
        reach("relay.after_lease")
        verdicts = await self._deliver(letters)
        reach("relay.after_post")
        await self._queue.settle(self._worker, verdicts)
        reach("relay.after_settle")
        return sum(verdict.state is not LetterState.PENDING for verdict in verdicts)

    async def _deliver(self, letters: Sequence[Letter]) -> list[Verdict]:
        drafts = {letter.number: _entries(letter) for letter in letters}
        batch = [entry for draft in drafts.values() if not isinstance(draft, str) for entry in draft]
        answers = await self._ledger.post(batch)
        if answers and all(answer.outcome is Outcome.RETRY for answer in answers):
            return self._away(letters, drafts, answers)
        self._failures = self._pause_ms = 0
        unread = iter(answers)
        return [self._verdict(letter, drafts[letter.number], unread) for letter in letters]

    def _verdict(self, letter: Letter, draft: Sequence[Entry] | str, answers: Iterator[Posted]) -> Verdict:
        if isinstance(draft, str):
            return _dead(letter, draft)
        posted = [next(answers) for _ in draft]
        refusals = [one for one in posted if one.outcome in (Outcome.CONFLICT, Outcome.REJECTED)]
        if refusals:
            return _dead(letter, "; ".join(f"{one.outcome}: {one.reason}" for one in refusals))
        again = [one for one in posted if one.outcome is Outcome.RETRY]
        if again:
            return self._later(letter, again)
        return Verdict(number=letter.number, state=LetterState.APPLIED, attempts=letter.attempts + 1)

    def _later(self, letter: Letter, again: Sequence[Posted]) -> Verdict:
        now, attempts = self._clock(), letter.attempts + 1
        if attempts >= GIVE_UP_ATTEMPTS and now - letter.at_ms >= GIVE_UP_MS:
            return _dead(letter, f"given up after {attempts} attempts: {again[0].reason}")
        asked = max(one.retry_after_ms for one in again)
        return Verdict(
            number=letter.number,
            state=LetterState.PENDING,
            attempts=attempts,
            next_ms=now + max(asked, backoff_ms(attempts)),
            error=again[0].reason,
        )

    def _away(
        self, letters: Sequence[Letter], drafts: dict[int, tuple[Entry, ...] | str], answers: Sequence[Posted]
    ) -> list[Verdict]:
        """The ledger takes nothing now: letters stay as they are and the relay pauses."""
        self._pause_ms = max(self._fail(), *(answer.retry_after_ms for answer in answers))
        log.warning("The ledger takes nothing, next try in %d ms: %s", self._pause_ms, answers[0].reason)
        return [
            _dead(letter, draft)
            if isinstance(draft := drafts[letter.number], str)
            else Verdict(
                number=letter.number,
                state=LetterState.PENDING,
                attempts=letter.attempts,
                error=answers[0].reason,
            )
            for letter in letters
        ]

    def _fail(self) -> int:
        self._failures += 1
        return backoff_ms(self._failures)


def _entries(letter: Letter) -> tuple[Entry, ...] | str:
    """The letter's entries, or why there can be none."""
    try:
        return book([read_fact(told.type, told.document) for told in letter.told])
    except (BadHistory, UnknownFact) as error:
        return str(error)


def _dead(letter: Letter, error: str) -> Verdict:
    log.error("Dead letter %s: %s", letter.id, error)
    return Verdict(number=letter.number, state=LetterState.DEAD, attempts=letter.attempts + 1, error=error)
