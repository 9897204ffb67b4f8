"""The laws of selling, checked on what payment provider and ledger say. No I/O.

Nothing here comes from the counter under test: units are counted from captured money, orders from the
ledger's entries. What the stock counter says is not asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

RECEIVABLE = "provider.receivable:"
SALE, REFUND = "sale", "refund"


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


@dataclass(slots=True)
class _Account:
    """One order's money."""

    captured: dict[str, int] = field(default_factory=dict)
    """Amount by payment."""
    refunded: Counter[str] = field(default_factory=Counter)
    """Amount by payment."""
    currency: str = ""

    @property
    def net(self) -> int:
        """What the provider holds for this order."""
        return sum(self.captured.values()) - self.refunded.total()

    @property
    def standing(self) -> list[str]:
        """Payments that were captured and have not gone back in full."""
        return [payment for payment, amount in self.captured.items() if self.refunded[payment] < amount]


def audit(evidence: Evidence) -> list[Verdict]:
    """All verdicts."""
    accounts = _accounts(evidence.bill)
    entries = _by_order(evidence.ledger)
    return [
        _not_oversold(evidence, accounts),
        _within_limit(evidence, accounts),
        _one_outcome(evidence, accounts),
        _once_in_ledger(accounts, entries),
        _totals_equal(accounts, evidence.ledger),
        _balanced(evidence.ledger),
        Verdict("every viewer saw every control event", evidence.control_events, tuple(evidence.gaps)),
    ]


def unattributed(evidence: Evidence) -> list[str]:
    """Paid orders that nobody in the swarm made: other people's, in the same shop at the same time."""
    ours = {purchase.order for purchase in evidence.purchases}
    return sorted({line.order for line in evidence.bill} - ours)


def _accounts(bill: Iterable[BillLine]) -> dict[str, _Account]:
    accounts: dict[str, _Account] = defaultdict(_Account)
    for line in bill:
        account = accounts[line.order]
        account.currency = line.currency
        if line.kind == "capture":
            account.captured[line.payment] = line.amount_minor
        else:
            account.refunded[line.payment] += line.amount_minor
    return dict(accounts)


def _by_order(ledger: Iterable[LedgerEntry]) -> dict[str, list[LedgerEntry]]:
    entries: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in ledger:
        entries[entry.order].append(entry)
    return dict(entries)


def _paid(evidence: Evidence, accounts: Mapping[str, _Account]) -> list[Purchase]:
    return [
        purchase
        for purchase in evidence.purchases
        if purchase.order in accounts and accounts[purchase.order].net > 0
    ]


def _not_oversold(evidence: Evidence, accounts: Mapping[str, _Account]) -> Verdict:
    units: Counter[str] = Counter()
    for purchase in _paid(evidence, accounts):
        units[purchase.sale] += purchase.qty
    violations = tuple(
        f"sale {sale}: {paid} units are paid for, {evidence.stock.get(sale, 0)} were on offer"
        for sale, paid in units.items()
        if paid > evidence.stock.get(sale, 0)
    )
    return Verdict("nothing is oversold", units.total(), violations)


def _within_limit(evidence: Evidence, accounts: Mapping[str, _Account]) -> Verdict:
    units: Counter[tuple[str, str]] = Counter()
    for purchase in _paid(evidence, accounts):
        units[purchase.sale, purchase.buyer] += purchase.qty
    violations = tuple(
        f"sale {sale}: buyer {buyer} has paid for {paid} units, the limit is {evidence.limits[sale]}"
        for (sale, buyer), paid in units.items()
        if paid > evidence.limits.get(sale, paid)
    )
    return Verdict("no buyer is above the limit", len(units), violations)


def _one_outcome(evidence: Evidence, accounts: Mapping[str, _Account]) -> Verdict:
    totals = {purchase.order: purchase.total_minor for purchase in evidence.purchases}
    violations: list[str] = []
    for order, account in accounts.items():
        violations += [
            f"order {order}: more went back of payment {payment} than came"
            for payment, amount in account.refunded.items()
            if amount > account.captured.get(payment, 0)
        ]
        if len(account.standing) > 1:
            violations.append(f"order {order}: {len(account.standing)} payments are kept for it")
        elif order in totals and account.net not in (0, totals[order]):
            violations.append(f"order {order}: {account.net} is kept, it costs {totals[order]}")
    payments = sum(len(account.captured) for account in accounts.values())
    return Verdict("every captured payment has one outcome", payments, tuple(violations))


def _once_in_ledger(
    accounts: Mapping[str, _Account], entries: Mapping[str, Sequence[LedgerEntry]]
) -> Verdict:
    violations: list[str] = []
    for order in sorted(accounts.keys() | entries.keys()):
        posted = entries.get(order, ())
        sales = sum(entry.kind == SALE for entry in posted)
        account = accounts.get(order, _Account())
        if account.net > 0 and sales == 0:
            violations.append(f"order {order} is paid and not in the ledger")
        if sales > 1:
            violations.append(f"order {order} is in the ledger {sales} times")
        if sales and not account.captured:
            violations.append(f"order {order} is in the ledger and nobody paid for it")
        if sales and account.net == 0 and not any(entry.kind == REFUND for entry in posted):
            violations.append(f"order {order} was paid back and its sale still stands in the ledger")
    doubled = [entry for entry, times in _entry_ids(entries).items() if times > 1]
    violations += [f"entry {entry} is in the ledger more than once" for entry in doubled]
    return Verdict("every paid order is in the ledger once", len(accounts), tuple(violations))


def _entry_ids(entries: Mapping[str, Sequence[LedgerEntry]]) -> Counter[str]:
    return Counter(entry.entry for posted in entries.values() for entry in posted)


def _totals_equal(accounts: Mapping[str, _Account], ledger: Sequence[LedgerEntry]) -> Verdict:
    held: Counter[str] = Counter()
    for account in accounts.values():
        held[account.currency] += account.net
    booked: Counter[str] = Counter()
    for entry in ledger:
        for account_name, debit, credit in entry.postings:
            if account_name.startswith(RECEIVABLE):
                booked[entry.currency] += debit - credit
    violations = tuple(
        f"{currency}: the provider holds {held[currency]}, the ledger says {booked[currency]}"
        for currency in sorted(held.keys() | booked.keys())
        if held[currency] != booked[currency]
    )
    return Verdict("provider and ledger agree on the total", sum(held.values()), violations)


def _balanced(ledger: Sequence[LedgerEntry]) -> Verdict:
    violations = tuple(
        f"entry {entry.entry}: debits {debits}, credits {credits}"
        for entry in ledger
        if (debits := sum(debit for _, debit, _ in entry.postings))
        != (credits := sum(credit for _, _, credit in entry.postings))
    )
    return Verdict("debits equal credits in every entry", len(ledger), violations)
