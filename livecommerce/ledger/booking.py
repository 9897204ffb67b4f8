"""Booking: which entries follow from what was told of an order, or of a capture that became none."""

from __future__ import annotations

from collections.abc import Sequence

from livecommerce.ledger.entries import entries_of
from livecommerce.ledger.entry import Entry
from livecommerce.ledger.facts import Fact, UnappliedCapture, UnappliedRefund
from livecommerce.ledger.unapplied import entries_of_capture


def book(facts: Sequence[Fact]) -> tuple[Entry, ...]:
    """The entries of the last of the facts.

    Raises:
        BadHistory: the facts contradict each other.
    """
    if facts and isinstance(facts[0], UnappliedCapture | UnappliedRefund):
        return entries_of_capture(facts)
    return entries_of(facts)
