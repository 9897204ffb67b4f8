"""Unapplied captures: money that a provider took and that became no order, until it has gone back.

It is the buyer's from the capture to the refund. A provider gives its fee back with a capture that goes back
whole, so no fee is booked.
"""

from __future__ import annotations

from collections.abc import Sequence

from livecommerce.ledger import accounts
from livecommerce.ledger.entries import BadHistory
from livecommerce.ledger.entry import Entry, Posting, entry_id
from livecommerce.ledger.facts import Fact, UnappliedCapture, UnappliedRefund


def entries_of_capture(facts: Sequence[Fact]) -> tuple[Entry, ...]:
    """The entries of the last of an unapplied capture's facts.

    They may be told in either order: a worker that was killed over the capture's has it told later.

    Raises:
        BadHistory: the facts are not those of one capture that goes back once and whole.
    """
    fact = facts[-1]
    if not isinstance(fact, UnappliedCapture | UnappliedRefund):
        raise BadHistory("an order's fact stands among those of a capture")
    if len({type(one) for one in facts}) < len(facts):
        raise BadHistory("a capture is taken once and goes back once")
    for other in facts[:-1]:
        _check(fact, other)
    provider = fact.provider or _provider_of(facts[0])
    return (_entry(fact, provider),)


def _check(fact: UnappliedCapture | UnappliedRefund, other: Fact) -> None:
    if not isinstance(other, UnappliedCapture | UnappliedRefund) or _money(fact) != _money(other):
        raise BadHistory(f"what was captured and what went back of {fact.payment} differ")


def _provider_of(fact: Fact) -> str:
    if not isinstance(fact, UnappliedCapture):
        raise BadHistory("the first fact of a capture must be the capture")
    return fact.provider


def _money(fact: UnappliedCapture | UnappliedRefund) -> tuple[str, int, str]:
    return fact.payment, fact.amount_minor, fact.currency


def _entry(fact: UnappliedCapture | UnappliedRefund, provider: str) -> Entry:
    kind, event = "unapplied_capture", f"payment.refund_due:{fact.payment}"
    debit, credit = accounts.receivable(provider), accounts.UNAPPLIED
    if isinstance(fact, UnappliedRefund):
        kind, event = "unapplied_refund", f"payment.refunded:{fact.payment}"
        debit, credit = credit, debit
    return Entry(
        entry=entry_id(fact.order, event, 0),
        order=fact.order,
        event=event,
        sequence=0,
        kind=kind,
        at_ms=fact.at_ms,
        currency=fact.currency,
        shop="",
        segment=None,
        brand=None,
        campaign=None,
        postings=(
            Posting(account=debit, debit_minor=fact.amount_minor),
            Posting(account=credit, credit_minor=fact.amount_minor),
        ),
    )
