"""The port to a ledger, and how one is found by the scheme of its address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from importlib.metadata import entry_points
from typing import Protocol

from msgspec import Struct

from livecommerce.ledger.entry import Entry


class Outcome(StrEnum):
    """What became of one posted entry."""

    APPLIED = "applied"
    """It is in the ledger, durably."""
    DUPLICATE = "duplicate"
    """The same content was already there under this id; nothing changed."""
    CONFLICT = "conflict"
    """Other content is there under this id; nothing changed. Only a person can resolve it."""
    REJECTED = "rejected"
    """The ledger will never take this entry."""
    RETRY = "retry"
    """Not now, or the answer was lost: post the same entry again later."""


class Posted(Struct, frozen=True, kw_only=True):
    """A ledger's answer about one entry."""

    outcome: Outcome
    reason: str = ""
    """One sentence for the operator; empty when applied or duplicate."""
    retry_after_ms: int = 0
    """With ``RETRY``: how long the ledger asks to be left alone."""


class Balance(Struct, frozen=True, kw_only=True):
    """The two sides of an account in one currency."""

    account: str
    currency: str
    debit_minor: int
    credit_minor: int


class Health(Struct, frozen=True, kw_only=True):
    """Whether a ledger takes entries now."""

    backend: str
    """The scheme of its address."""
    healthy: bool
    detail: str = ""
    entries: int | None = None
    """How many it has; ``None`` if it cannot be asked."""


class LedgerAway(Exception):
    """The ledger cannot be read now; the message says why."""


class CannotTell(LedgerAway):
    """This ledger only takes entries; ask the system behind it."""


class LedgerBackend(Protocol):
    """A ledger. ``livecommerce.ledger.contract`` says, by checking it, what one must do."""

    async def post(self, batch: Sequence[Entry]) -> Sequence[Posted]:
        """Takes entries; answers one by one in their order and never raises for a ledger that is away.

        Entries of a batch stand for themselves: one refusal concerns no other. The caller posts an order's
        entries in their order; several callers may post at once, the same entries too.
        """
        ...

    async def lookup(self, order: str) -> Sequence[Entry]:
        """An order's entries in the order they were applied; empty if there are none.

        Raises:
            LedgerAway: the ledger cannot be asked, now (or at all: ``CannotTell``).
        """
        ...

    async def recent(self, limit: int) -> Sequence[Entry]:
        """The last applied entries, newest first. Raises like ``lookup``."""
        ...

    def scan(self, owner: str = "") -> AsyncIterator[Entry]:
        """All entries in the order they were applied, or those that touch an owner's accounts.

        Raises like ``lookup``.
        """
        ...

    async def trial_balance(self) -> Sequence[Balance]:
        """Both sides of every account, by account and currency. Raises like ``lookup``."""
        ...

    async def health(self) -> Health:
        """Whether it takes entries; never raises."""
        ...

    async def aclose(self) -> None:
        """Lets go of connections; nothing may be called afterwards."""
        ...


Opener = Callable[[str], Awaitable[LedgerBackend]]
"""Opens the ledger at an address; may create what it needs there, and raises ``LedgerAway`` if it cannot."""

ENTRY_POINT_GROUP = "livecommerce.ledgers"
"""A package offers a ledger by an entry point in this group: its name is the scheme, its object an opener."""


class UnknownLedger(Exception):
    """No ledger is known for a scheme."""


def find_opener(url: str, own: Mapping[str, Opener]) -> Opener:
    """Who opens the ledger at an address: one of ours, or one that an installed package offers.

    Raises:
        UnknownLedger: nobody offers the scheme.
    """
    scheme = url.partition(":")[0]
    if scheme in own:
        return own[scheme]
    offered = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if scheme not in offered:
        known = ", ".join(sorted({*own, *offered}))
        raise UnknownLedger(f"No ledger is known for {scheme!r}; there are: {known}.")
    opener: Opener = offered[scheme].load()
    return opener
