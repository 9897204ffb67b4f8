"""The laws of money: the provider's captures, beside what buyers were told and what SQL and ledger say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.audit.evidence import BillLine, Evidence, LedgerEntry, Purchase, StoredOrder, Verdict

RECEIVABLE = "provider.receivable:"
SALE, REFUND = "sale", "refund"


@dataclass(slots=True)
class Account:
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


def unattributed(evidence: Evidence) -> list[str]:
    """Paid orders that nobody in the swarm made: other people's, in the same shop at the same time."""
    ours = {purchase.order for purchase in evidence.purchases}
    return sorted({line.order for line in evidence.bill} - ours)


def accounts_of(bill: Iterable[BillLine]) -> dict[str, Account]:
    """The bill by order."""
    accounts: dict[str, Account] = defaultdict(Account)
    for line in bill:
        account = accounts[line.order]
        account.currency = line.currency
        if line.kind == "capture":
            account.captured[line.payment] = line.amount_minor
        else:
            account.refunded[line.payment] += line.amount_minor
    return dict(accounts)


def by_order(ledger: Iterable[LedgerEntry]) -> dict[str, list[LedgerEntry]]:
    """The ledger by order."""
    entries: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in ledger:
        entries[entry.order].append(entry)
    return dict(entries)


def paid(evidence: Evidence, accounts: Mapping[str, Account]) -> list[Purchase]:
    """Purchases for which the provider holds money."""
    return [
        purchase
        for purchase in evidence.purchases
        if purchase.order in accounts and accounts[purchase.order].net > 0
    ]


def one_outcome(evidence: Evidence, accounts: Mapping[str, Account]) -> Verdict:
    """A captured payment is kept once for its order, in full, or goes back."""
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


def once_in_ledger(accounts: Mapping[str, Account], entries: Mapping[str, Sequence[LedgerEntry]]) -> Verdict:
    """What is paid is booked, once; what is booked was paid."""
    violations: list[str] = []
    for order in sorted(accounts.keys() | entries.keys()):
        posted = entries.get(order, ())
        sales = sum(entry.kind == SALE for entry in posted)
        account = accounts.get(order, Account())
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


def totals_equal(accounts: Mapping[str, Account], ledger: Sequence[LedgerEntry]) -> Verdict:
    """What the provider holds is what the ledger says that it holds."""
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
    return Verdict("provider and ledger agree on the total", len(accounts), violations)


def balanced(ledger: Sequence[LedgerEntry]) -> Verdict:
    """No entry makes or loses money."""
    violations = tuple(
        f"entry {entry.entry}: debits {debits}, credits {credits}"
        for entry in ledger
        if (debits := sum(debit for _, debit, _ in entry.postings))
        != (credits := sum(credit for _, _, credit in entry.postings))
    )
    return Verdict("debits equal credits in every entry", len(ledger), violations)


def once_in_sql(accounts: Mapping[str, Account], orders: Sequence[StoredOrder]) -> Verdict:
    """What is paid is an order in SQL, at the price that was paid; what is not paid is none."""
    stored = {order.order: order for order in orders}
    violations: list[str] = []
    for order, account in sorted(accounts.items()):
        kept = stored.get(order)
        if account.net > 0 and kept is None:
            violations.append(f"order {order} is paid and not in SQL")
        elif kept is not None and account.net > kept.total_minor:
            violations.append(f"order {order}: {account.net} is kept, SQL says {kept.total_minor}")
    violations += [
        f"order {order} is in SQL and nobody paid for it"
        for order in sorted(stored.keys() - accounts.keys())
        if stored[order].total_minor
    ]
    return Verdict("every paid order is in SQL, and no other", len(accounts), tuple(violations))
