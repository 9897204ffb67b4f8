"""What an audit looks at: facts as others tell them, and the verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Place = tuple[str, int]
"""Epoch and offset of a control event."""


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of the payment provider's bill."""

    kind: str
    """capture or refund."""
    payment: str
    order: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry of the ledger."""

    entry: str
    order: str
    kind: str
    currency: str
    postings: tuple[tuple[str, int, int], ...]
    """Account, debit, credit."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order as its buyer was told of it."""

    order: str
    sale: str
    buyer: str
    qty: int
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCount:
    """One sale as Valkey counts it, twice: by its counters, and by walking orders and buyers."""

    sale: str
    allocated: int
    available: int
    held: int
    sold: int
    returned: int
    limit: int
    held_by_orders: int
    units_of_buyers: int
    most_of_one_buyer: int
    stray_deadlines: int
    orders_without_deadline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCount:
    """One shard's part of a campaign's budget, counted twice; money in minor units."""

    shard: str
    campaign: str
    budget: int
    available: int
    reserved: int
    spent: int
    worth_of_grants: int
    stuck_grants: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """An order as SQL has it."""

    order: str
    total_minor: int
    units: Mapping[str, int]
    """By sale."""
    discounts: Mapping[str, int] = field(default_factory=dict)
    """Minor units, by campaign."""


@dataclass(frozen=True, slots=True)
class JournalEvent:
    """A control event as SQL keeps it."""

    place: Place
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What Valkey and SQL say, where they can be read."""

    stock: Sequence[StockCount] = ()
    budgets: Sequence[BudgetCount] = ()
    campaigns: Mapping[str, int] = field(default_factory=dict)
    """Whole budgets in minor units, by campaign."""
    orders: Sequence[StoredOrder] = ()
    journal: Sequence[JournalEvent] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known from outside the system that is being judged."""

    stock: Mapping[str, int]
    """Units on offer, by sale."""
    limits: Mapping[str, int]
    """Units a buyer may have, by sale."""
    purchases: Sequence[Purchase]
    bill: Sequence[BillLine]
    ledger: Sequence[LedgerEntry]
    control_events: int = 0
    """Control events that viewers saw, all viewers together."""
    gaps: Sequence[str] = ()
    """Control events that a viewer should have seen and did not."""
    seen: Mapping[Place, str] = field(default_factory=dict)
    """What the viewers saw happen, by its place in the room's log."""
    stores: Stores | None = None
    """``None``: they cannot be read from here, and their laws are not judged."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One law, and the evidence against it; none means that it holds."""

    law: str
    checked: int
    """How many facts were looked at; a law that looked at none proves nothing."""
    violations: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.violations
