"""What the ledger must still be told: the SQL outbox, as the relay sees it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct


class LetterState(StrEnum):
    """Where a letter is on its way to the ledger."""

    PENDING = "pending"
    APPLIED = "applied"
    DEAD = "dead"
    """Refused for good; later letters of the same key wait until it is retried or dropped."""
    DROPPED = "dropped"
    """Given up by an operator."""


class Told(Struct, frozen=True, kw_only=True):
    """An event of an order and its document, in builtin values."""

    type: str
    document: Any


class Letter(Struct, frozen=True, kw_only=True):
    """One event to be booked, together with all that was told of its key before."""

    number: int
    """Grows; letters of one key are in the order of their numbers."""
    id: str
    key: str
    at_ms: int
    attempts: int
    told: tuple[Told, ...]
    """The key's events from the first to this one."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What becomes of a leased letter."""

    number: int
    state: LetterState
    attempts: int
    next_ms: int = 0
    """With ``PENDING``: not before this time."""
    error: str | None = None


class QueueStatus(Struct, frozen=True, kw_only=True):
    """How many letters stand where."""

    pending: int
    applied: int
    dead: int
    dropped: int
    oldest_ms: int | None
    """When the oldest pending letter's event happened."""


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A letter that the ledger refused."""

    id: str
    key: str
    type: str
    at_ms: int
    attempts: int
    error: str
    waiting: int
    """Later letters of the same key that wait for it."""
    needs_repair: bool = False
    """SQL itself could not take the fact; sending it again alone would be in vain."""


class LedgerQueue(Protocol):
    """Hands out letters so that no two workers have one at a time."""

    async def lease(self, worker: str, count: int, now_ms: int, lease_ms: int) -> Sequence[Letter]:
        """The next letters, at most one a key, kept for this worker until the lease ends.

        A letter is handed out when all earlier ones of its key are applied or dropped.

        Raises:
            Unavailable: SQL is away.
        """
        ...

    async def settle(self, worker: str, verdicts: Sequence[Verdict]) -> None:
        """Stores what became of letters and ends their leases; ignores those another worker has by now.

        Raises:
            Unavailable: SQL is away; the letters will be handed out again.
        """
        ...


class QueueDesk(Protocol):
    """The queue as operators see it. Everything raises ``Unavailable`` while SQL is away."""

    async def status(self) -> QueueStatus:
        """How many letters stand where."""
        ...

    async def dead_letters(self, limit: int) -> Sequence[DeadLetter]:
        """Letters that were refused, oldest first."""
        ...

    async def retry(self, ids: Sequence[str]) -> int:
        """Sends dead letters again, all where none is named, except those that need a repair; how many."""
        ...

    async def drop(self, ids: Sequence[str]) -> int:
        """Gives dead letters up, so that later ones of their keys go on; answers how many."""
        ...

    async def replay(self, from_ms: int) -> int:
        """Has everything applied since a time told again; answers how many."""
        ...
