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
    """The entries of the last of an unapplied capture's facts; the first fact is the capture.

    Raises:
        BadHistory: the facts are not those of one capture that goes back once and whole.
    """
    capture, *later = facts
    if not isinstance(capture, UnappliedCapture):
        raise BadHistory("the first fact of a capture must be the capture")
    if not later:
        return (_entry(capture, capture),)
    if len(later) > 1 or not isinstance(later[0], UnappliedRefund):
        raise BadHistory("a capture goes back once")
    refund = later[0]
    if _money(refund) != _money(capture):
        raise BadHistory(f"a refund of {_money(refund)} where {_money(capture)} was captured")
    return (_entry(capture, refund),)


def _money(fact: UnappliedCapture | UnappliedRefund) -> tuple[str, int, str]:
    return fact.payment, fact.amount_minor, fact.currency


def _entry(capture: UnappliedCapture, fact: UnappliedCapture | UnappliedRefund) -> Entry:
    kind, event = "unapplied_capture", f"payment.refund_due:{capture.payment}"
    debit, credit = accounts.receivable(capture.provider), accounts.UNAPPLIED
    if isinstance(fact, UnappliedRefund):
        kind, event = "unapplied_refund", f"payment.refunded:{capture.payment}"
        debit, credit = credit, debit
    return Entry(
        entry=entry_id(capture.order, event, 0),
        order=capture.order,
        event=event,
        sequence=0,
        kind=kind,
        at_ms=fact.at_ms,
        currency=capture.currency,
        shop="",
        segment=None,
        brand=None,
        campaign=None,
        postings=(
            Posting(account=debit, debit_minor=capture.amount_minor),
            Posting(account=credit, credit_minor=capture.amount_minor),
        ),
    )
