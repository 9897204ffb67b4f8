"""The way of orders into the ledger, at a glance: outbox, queue and ledger together."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from livecommerce.ids import Shard
from livecommerce.ledger.backend import Balance, Health, LedgerAway, LedgerBackend
from livecommerce.ledger.queue import QueueDesk
from livecommerce.outbox import Outbox, OutboxLag


class Totals(Struct, frozen=True, kw_only=True):
    """Both sides of all accounts in one currency; equal, or something is very wrong."""

    currency: str
    debit_minor: int
    credit_minor: int


class LedgerGlance(Struct, frozen=True, kw_only=True):
    """How ledger and queue are."""

    backend: str
    healthy: bool
    detail: str
    applied: int
    pending: int
    dead: int
    oldest_ms: int | None
    """When the oldest event that is not booked yet happened."""
    trial_balance: tuple[Totals, ...]
    """Empty while the ledger cannot be read."""


class Glance(Struct, frozen=True, kw_only=True):
    """Everything between a confirmed order and its entries."""

    outbox: OutboxLag
    """Of all shards together."""
    ledger: LedgerGlance


async def measure(outbox: Outbox, shards: Sequence[Shard], queue: QueueDesk, ledger: LedgerBackend) -> Glance:
    """The same without the trial balance, for which the whole ledger has to be read.

    Raises:
        Unavailable: Redis or SQL is away.
    """
    return await _glance(outbox, shards, queue, await ledger.health(), ())


async def look(outbox: Outbox, shards: Sequence[Shard], queue: QueueDesk, ledger: LedgerBackend) -> Glance:
    """How everything is now.

    Raises:
        Unavailable: Redis or SQL is away. A ledger that is away is part of the answer.
    """
    return await _glance(outbox, shards, queue, await ledger.health(), await _totals(ledger))


async def _glance(
    outbox: Outbox,
    shards: Sequence[Shard],
    queue: QueueDesk,
    health: Health,
    trial_balance: tuple[Totals, ...],
) -> Glance:
    lags = [await outbox.lag(shard) for shard in shards]
    status = await queue.status()
    return Glance(
        outbox=OutboxLag(
            length=sum(lag.length for lag in lags),
            oldest_ms=min((lag.oldest_ms for lag in lags if lag.oldest_ms is not None), default=None),
        ),
        ledger=LedgerGlance(
            backend=health.backend,
            healthy=health.healthy,
            detail=health.detail,
            applied=status.applied,
            pending=status.pending,
            dead=status.dead,
            oldest_ms=status.oldest_ms,
            trial_balance=trial_balance,
        ),
    )


def totals(balances: Sequence[Balance]) -> tuple[Totals, ...]:
    """Both sides, by currency."""
    return tuple(
        Totals(
            currency=currency,
            debit_minor=sum(one.debit_minor for one in balances if one.currency == currency),
            credit_minor=sum(one.credit_minor for one in balances if one.currency == currency),
        )
        for currency in sorted({one.currency for one in balances})
    )


async def _totals(ledger: LedgerBackend) -> tuple[Totals, ...]:
    try:
        return totals(await ledger.trial_balance())
    except LedgerAway:
        return ()
