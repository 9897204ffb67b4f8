"""Reconciliation finds each kind of planted error, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from livecommerce.ledger.bill import BadBill, BillLine
from livecommerce.ledger.bill_wechat import read_wechat_bill
from livecommerce.ledger.booking import book
from livecommerce.ledger.entries import entries_of
from livecommerce.ledger.entry import Entry
from livecommerce.ledger.facts import Refund, UnappliedCapture, UnappliedRefund
from livecommerce.ledger.reconcile import (
    Booked,
    Difference,
    Finding,
    OrderFigures,
    Story,
    UnappliedFigures,
    reconcile,
)
from tests.orders import an_order

NOW = 1_700_000_000_000


def figures(order: str = "a", refunded: int = 0) -> OrderFigures:
    return OrderFigures(
        order=order,
        transaction=f"t-{order}",
        currency="CNY",
        units={"sale": 1},
        paid_minor=8500,
        refunded_minor=refunded,
    )


def line(order: str = "a", amount: int = 8500, kind: str = "capture") -> BillLine:
    return BillLine(kind=kind, transaction=f"t-{order}", amount_minor=amount, currency="CNY", at_ms=NOW)


def entries(order: str = "a", refunded: int = 0) -> list[Entry]:
    sold = an_order(order=order)
    if not refunded:
        return list(entries_of([sold]))
    refund = Refund(order=order, refund="r", amount_minor=refunded, currency="CNY", reason="", at_ms=NOW)
    return [*entries_of([sold]), *entries_of([sold, refund])]


def capture(name: str, refunded: int = 0) -> UnappliedFigures:
    return UnappliedFigures(
        payment=f"p-{name}", transaction=f"t-{name}", captured_minor=70, refunded_minor=refunded
    )


def captured(name: str, refunded: int = 0) -> list[Entry]:
    """A capture of the first order that became none, perhaps gone back."""
    taken = UnappliedCapture(
        payment=f"p-{name}",
        order="a",
        provider="sandbox",
        transaction=f"t-{name}",
        amount_minor=70,
        currency="CNY",
        reason="too_late",
        at_ms=NOW,
    )
    if not refunded:
        return list(book([taken]))
    back = UnappliedRefund(
        payment=taken.payment,
        order="a",
        amount_minor=refunded,
        currency="CNY",
        reason="too_late",
        at_ms=NOW,
    )
    return [*book([taken]), *book([taken, back])]


def booked(*found: Entry) -> Booked:
    books = Booked()
    for entry in found:
        books.add(entry)
    return books


CAPTURES = [*captured("late"), *captured("back", 70)]


def well() -> Story:
    """Two orders, one of them partly refunded, two captures that became none, and everybody agrees."""
    return Story(
        orders=[figures("a"), figures("b", 500)],
        unapplied=[capture("late"), capture("back", refunded=70)],
        unbooked={},
        sold={"sale": 2},
        booked=booked(*entries("a"), *entries("b", 500), *CAPTURES),
        bill=well_bill(),
    )


def well_bill() -> list[BillLine]:
    orders = [line("a"), line("b"), line("b", 500, "refund")]
    return [*orders, line("late", 70), line("back", 70), line("back", 70, "refund")]


def found(story: Story) -> list[tuple[Finding, str, int, int]]:
    return [(one.finding, one.subject, one.expected, one.found) for one in reconcile(story, NOW)]


def test_where_all_agree_nothing_is_found() -> None:
    assert found(well()) == []
    assert found(replace(well(), bill=None)) == []


def test_an_order_that_was_never_booked() -> None:
    story = replace(well(), booked=booked(*entries("b", 500), *CAPTURES))
    assert found(story) == [(Finding.NOT_BOOKED, "a", 8500, 0)]


def test_an_order_on_its_way_is_no_error_until_it_takes_too_long() -> None:
    story = replace(well(), booked=booked(*entries("b", 500), *CAPTURES), unbooked={"a": NOW - 900_000})
    assert found(story) == []
    late = replace(story, unbooked={"a": NOW - 900_001})
    assert found(late) == [(Finding.PENDING_TOO_LONG, "a", 900_000, 900_001)]


def test_entries_without_an_order() -> None:
    story = replace(well(), booked=booked(*entries("a"), *entries("b", 500), *entries("ghost"), *CAPTURES))
    assert found(story) == [(Finding.BOOKED_WITHOUT_ORDER, "ghost", 0, 8500)]


def test_a_refund_that_was_not_booked() -> None:
    story = replace(well(), booked=booked(*entries("a"), *entries("b"), *CAPTURES))
    assert found(story) == [(Finding.BOOKED_AMOUNT, "b", 8000, 8500)]


def test_debits_that_are_not_credits() -> None:
    sale, *rest = entries("a")
    bent = changed(sale, postings=(*sale.postings[:-1], changed(sale.postings[-1], credit_minor=1)))
    story = replace(well(), booked=booked(bent, *rest, *entries("b", 500), *CAPTURES))
    (difference,) = reconcile(story, NOW)
    assert (difference.finding, difference.subject) == (Finding.UNBALANCED, "CNY")
    assert difference.expected - difference.found == sale.postings[-1].credit_minor - 1


def test_an_order_the_provider_never_captured() -> None:
    assert found(replace(well(), bill=well_bill()[1:])) == [(Finding.NOT_IN_BILL, "t-a", 8500, 0)]


def test_a_capture_that_belongs_to_no_order() -> None:
    story = replace(well(), bill=[*well_bill(), line("stray", 100)])
    assert found(story) == [(Finding.BILLED_WITHOUT_ORDER, "t-stray", 0, 100)]


def test_a_refund_the_provider_did_not_make() -> None:
    story = replace(well(), bill=[line("a"), line("b"), *well_bill()[3:]])
    assert found(story) == [(Finding.BILLED_AMOUNT, "t-b", 8000, 8500)]


def test_a_capture_without_an_order_that_was_not_booked() -> None:
    story = replace(well(), booked=booked(*entries("a"), *entries("b", 500), *captured("back", 70)))
    assert found(story) == [(Finding.NOT_BOOKED, "p-late", 70, 0)]


def test_a_capture_without_an_order_whose_refund_the_provider_did_not_make() -> None:
    bill = [one for one in well_bill() if (one.kind, one.transaction) != ("refund", "t-back")]
    assert found(replace(well(), bill=bill)) == [(Finding.BILLED_AMOUNT, "t-back", 0, 70)]


def test_a_sale_that_sold_units_without_an_order() -> None:
    assert found(replace(well(), sold={"sale": 3})) == [(Finding.SOLD_UNITS, "sale", 3, 2)]


def test_units_of_an_order_count_for_each_sale_they_are_from() -> None:
    bag = changed(figures("a"), units={"sale": 1, "other": 2})
    story = replace(well(), orders=[bag, figures("b", 500)], sold={"sale": 2, "other": 2})
    assert found(story) == []
    assert found(replace(story, sold={"sale": 3, "other": 2})) == [(Finding.SOLD_UNITS, "sale", 3, 2)]


def test_findings_are_in_a_fixed_order() -> None:
    story = replace(well(), booked=booked(*entries("z"), *CAPTURES), sold={"sale": 9})
    order = [difference.finding for difference in reconcile(story, NOW)]
    assert order == [
        Finding.NOT_BOOKED,
        Finding.NOT_BOOKED,
        Finding.BOOKED_WITHOUT_ORDER,
        Finding.SOLD_UNITS,
    ]
    assert isinstance(reconcile(story, NOW)[0], Difference)


WECHAT = """\
\ufeff交易时间,公众账号ID,微信订单号,商户订单号,交易状态,货币种类,微信退款单号,订单金额,申请退款金额
`2023-11-15 06:13:20,`wx1,`t-a,`pay-a,`SUCCESS,`CNY,`0,`85.00,`0.00
`2023-11-15 06:13:20,`wx1,`t-b,`pay-b,`REFUND,`CNY,`r-b,`0.00,`5.00
总交易单数,应结订单总金额
`2,`85.00
"""


def test_a_wechat_bill_is_read() -> None:
    assert read_wechat_bill(WECHAT) == [line("a"), line("b", 500, "refund")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column 交易时间"),
        (WECHAT.replace("`85.00,`0.00", "`85.001,`0.00"), "line 2 cannot be read"),
        (WECHAT.replace("`2023-11-15 06:13:20,`wx1,`t-b", "`yesterday,`wx1,`t-b"), "line 3 cannot be read"),
    ],
)
def test_a_bill_that_cannot_be_read_says_where(text: str, why: str) -> None:
    with pytest.raises(BadBill, match=why):
        read_wechat_bill(text)
