"""The auditor: laws, checked on what provider, buyers, ledger, SQL and Valkey say. No I/O.

What is sold is counted from captured money, never from the counter under test; counters are judged by it.
"""

from __future__ import annotations

from loadtests.audit.coupons import budgets_are_kept
from loadtests.audit.evidence import Evidence, Stores, Verdict
from loadtests.audit.log import journal_is_true, seen_without_gap
from loadtests.audit.money import (
    Account,
    accounts_of,
    balanced,
    by_order,
    once_in_ledger,
    once_in_sql,
    one_outcome,
    totals_equal,
)
from loadtests.audit.stock import adds_up, not_oversold, sold_is_ordered, within_limit


def audit(evidence: Evidence) -> list[Verdict]:
    """All verdicts."""
    accounts = accounts_of(evidence.bill)
    verdicts = [
        not_oversold(evidence, accounts),
        within_limit(evidence, accounts),
        one_outcome(evidence, accounts),
        once_in_ledger(accounts, by_order(evidence.ledger)),
        totals_equal(accounts, evidence.ledger),
        balanced(evidence.ledger),
        seen_without_gap(evidence),
    ]
    return verdicts if evidence.stores is None else verdicts + _in_stores(evidence, accounts, evidence.stores)


def _in_stores(evidence: Evidence, accounts: dict[str, Account], stores: Stores) -> list[Verdict]:
    concerned = accounts.keys() | {purchase.order for purchase in evidence.purchases}
    return [
        once_in_sql(accounts, [order for order in stores.orders if order.order in concerned]),
        adds_up(stores.stock),
        sold_is_ordered(stores),
        budgets_are_kept(stores),
        journal_is_true(evidence.seen, stores.journal),
    ]
