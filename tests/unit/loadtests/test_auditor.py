"""The auditor finds every violation that is planted, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace

from loadtests.audit import audit
from loadtests.audit.evidence import BillLine, Evidence, LedgerEntry, Purchase
from loadtests.audit.money import unattributed

SALE = "00SALE"


def a_purchase(order: str, buyer: str = "", qty: int = 1) -> Purchase:
    return Purchase(
        order=order, sale=SALE, buyer=buyer or f"buyer of {order}", qty=qty, total_minor=700, currency="CNY"
    )


def captured(order: str, payment: str = "", amount: int = 700) -> BillLine:
    return BillLine("capture", payment or f"{order}-p", order, amount, "CNY")


def refunded(order: str, payment: str = "", amount: int = 700) -> BillLine:
    return BillLine("refund", payment or f"{order}-p", order, amount, "CNY")


def posted(order: str, kind: str = "sale", amount: int = 700, entry: str = "") -> LedgerEntry:
    receivable = ("provider.receivable:sandbox", amount, 0)
    owed = ("merchant.pending:shop", 0, amount)
    if kind == "refund":
        receivable, owed = (
            ("provider.receivable:sandbox", 0, amount),
            ("merchant.pending:shop", amount, 0),
        )
    return LedgerEntry(entry or f"{order}-{kind}", order, kind, "CNY", (receivable, owed))


def a_good_show() -> Evidence:
    """Two units, both sold and booked; a third order was paid too late and went back."""
    return Evidence(
        stock={SALE: 2},
        limits={SALE: 1},
        purchases=[a_purchase("one"), a_purchase("two"), a_purchase("late"), a_purchase("unpaid")],
        bill=[captured("one"), captured("two"), captured("late"), refunded("late")],
        ledger=[posted("one"), posted("two")],
        control_events=10,
    )


def broken(evidence: Evidence) -> set[str]:
    """The laws that do not hold."""
    return {verdict.law for verdict in audit(evidence) if not verdict.holds}


def test_a_good_show_breaks_no_law() -> None:
    assert broken(a_good_show()) == set()


def test_a_refund_in_the_ledger_is_part_of_a_good_show() -> None:
    good = a_good_show()
    bill = [*good.bill, refunded("two")]
    ledger = [*good.ledger, posted("two", "refund")]
    assert broken(replace(good, bill=bill, ledger=ledger)) == set()


def test_one_unit_too_many_is_found() -> None:
    assert "nothing is oversold" in broken(replace(a_good_show(), stock={SALE: 1}))


def test_units_are_counted_not_orders() -> None:
    good = a_good_show()
    purchases = [a_purchase("one", qty=2), *good.purchases[1:]]
    assert "nothing is oversold" in broken(replace(good, purchases=purchases))


def test_a_sale_that_nobody_saw_open_had_nothing_on_offer() -> None:
    assert "nothing is oversold" in broken(replace(a_good_show(), stock={}))


def test_a_buyer_above_the_limit_is_found() -> None:
    good = a_good_show()
    purchases = [a_purchase("one", "greedy"), a_purchase("two", "greedy"), *good.purchases[2:]]
    assert broken(replace(good, purchases=purchases)) == {"no buyer is above the limit"}


def test_a_second_payment_that_is_kept_is_found() -> None:
    good = a_good_show()
    bill = [*good.bill, captured("one", "again")]
    assert "every captured payment has one outcome" in broken(replace(good, bill=bill))


def test_a_second_payment_that_went_back_is_fine() -> None:
    good = a_good_show()
    bill = [*good.bill, captured("one", "again"), refunded("one", "again")]
    assert broken(replace(good, bill=bill)) == set()


def test_a_wrong_amount_that_is_kept_is_found() -> None:
    good = a_good_show()
    bill = [captured("one", amount=699), *good.bill[1:]]
    assert "every captured payment has one outcome" in broken(replace(good, bill=bill))


def test_more_refunded_than_captured_is_found() -> None:
    good = a_good_show()
    bill = [*good.bill, refunded("late")]
    assert "every captured payment has one outcome" in broken(replace(good, bill=bill))


def test_a_payment_without_outcome_is_found() -> None:
    good = a_good_show()
    bill = good.bill[:-1]  # the late payment never went back
    found = broken(replace(good, bill=bill))
    assert {"every paid order is in the ledger once", "provider and ledger agree on the total"} <= found


def test_a_paid_order_that_is_missing_in_the_ledger_is_found() -> None:
    good = a_good_show()
    assert "every paid order is in the ledger once" in broken(replace(good, ledger=good.ledger[:-1]))


def test_an_order_that_is_twice_in_the_ledger_is_found() -> None:
    good = a_good_show()
    ledger = [*good.ledger, posted("two", entry="another id")]
    assert "every paid order is in the ledger once" in broken(replace(good, ledger=ledger))


def test_an_entry_that_is_posted_twice_is_found() -> None:
    good = a_good_show()
    fee = posted("two", "payment_fee", 4)
    ledger = [*good.ledger, fee, fee]
    assert "every paid order is in the ledger once" in broken(replace(good, ledger=ledger))


def test_an_order_in_the_ledger_that_nobody_paid_is_found() -> None:
    good = a_good_show()
    assert "every paid order is in the ledger once" in broken(
        replace(good, ledger=[*good.ledger, posted("unpaid")])
    )


def test_a_sale_that_stands_after_its_refund_is_found() -> None:
    good = a_good_show()
    found = broken(replace(good, bill=[*good.bill, refunded("two")]))
    assert {"every paid order is in the ledger once", "provider and ledger agree on the total"} <= found


def test_unequal_totals_are_found() -> None:
    good = a_good_show()
    ledger = [posted("one", amount=600), *good.ledger[1:]]
    assert broken(replace(good, ledger=ledger)) == {"provider and ledger agree on the total"}


def test_totals_are_compared_by_currency() -> None:
    good = a_good_show()
    ledger = [replace(good.ledger[0], currency="USD"), *good.ledger[1:]]
    assert broken(replace(good, ledger=ledger)) == {"provider and ledger agree on the total"}


def test_an_unbalanced_entry_is_found() -> None:
    good = a_good_show()
    crooked = replace(good.ledger[0], postings=(("provider.receivable:sandbox", 700, 0),))
    assert broken(replace(good, ledger=[crooked, *good.ledger[1:]])) == {
        "debits equal credits in every entry"
    }


def test_a_missed_control_event_is_found() -> None:
    gaps = ["viewer: offset 9 came where 8 was due"]
    assert broken(replace(a_good_show(), gaps=gaps)) == {"every viewer saw every control event"}


def test_other_peoples_orders_are_named_not_counted() -> None:
    good = a_good_show()
    evidence = replace(good, bill=[*good.bill, captured("foreign")], ledger=[*good.ledger, posted("foreign")])
    assert broken(evidence) == set()
    assert unattributed(evidence) == ["foreign"]
