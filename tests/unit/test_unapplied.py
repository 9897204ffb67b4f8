"""Captures that became no order: the buyer's until they have gone back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from livecommerce.ledger.booking import book
from livecommerce.ledger.entries import BadHistory
from livecommerce.ledger.entry import Entry, defect
from livecommerce.ledger.facts import Fact, UnappliedCapture, UnappliedRefund
from tests.orders import an_order

CAPTURE = UnappliedCapture(
    payment="pay",
    order="order",
    provider="sandbox",
    transaction="t",
    amount_minor=8_500,
    currency="CNY",
    reason="paid_twice",
    at_ms=1,
)
REFUND = UnappliedRefund(
    payment="pay",
    order="order",
    provider="sandbox",
    amount_minor=8_500,
    currency="CNY",
    reason="paid_twice",
    at_ms=2,
)


def sides(entry: Entry) -> dict[str, tuple[int, int]]:
    return {posting.account: (posting.debit_minor, posting.credit_minor) for posting in entry.postings}


def test_a_capture_is_owed_to_buyers_until_it_has_gone_back() -> None:
    (captured,), (back,) = book([CAPTURE]), book([CAPTURE, REFUND])
    assert sides(captured) == {"provider.receivable:sandbox": (8_500, 0), "buyers.unapplied": (0, 8_500)}
    assert sides(back) == {"provider.receivable:sandbox": (0, 8_500), "buyers.unapplied": (8_500, 0)}
    assert [defect(entry) for entry in (captured, back)] == [None, None]
    assert (captured.order, captured.kind, back.kind) == ("order", "unapplied_capture", "unapplied_refund")


def test_the_refund_may_be_told_first() -> None:
    assert book([REFUND]) == book([CAPTURE, REFUND])
    assert book([REFUND, CAPTURE]) == book([CAPTURE])


def test_it_has_other_ids_than_the_order_that_was_paid_by_another_payment() -> None:
    other = replace(CAPTURE, payment="another")
    entries = [*book([an_order()]), *book([CAPTURE]), *book([CAPTURE, REFUND]), *book([other])]
    assert len({entry.entry for entry in entries}) == len(entries)


@pytest.mark.parametrize(
    "facts",
    [
        [replace(REFUND, provider="")],
        [REFUND, REFUND],
        [replace(REFUND, amount_minor=1), CAPTURE],
        [CAPTURE, CAPTURE],
        [CAPTURE, REFUND, REFUND],
        [CAPTURE, replace(REFUND, amount_minor=1)],
        [CAPTURE, replace(REFUND, currency="USD")],
        [CAPTURE, replace(REFUND, payment="another")],
        [CAPTURE, an_order()],
        [an_order(), CAPTURE],
        [],
    ],
)
def test_facts_that_contradict_each_other_make_no_entry(facts: Sequence[Fact]) -> None:
    with pytest.raises(BadHistory):
        book(facts)
