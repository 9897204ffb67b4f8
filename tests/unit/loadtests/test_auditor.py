"""The auditor finds every violation that is planted, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.audit import audit
from loadtests.audit.evidence import (
    BillLine,
    BudgetCount,
    Evidence,
    JournalEvent,
    LedgerEntry,
    Purchase,
    StockCount,
    StoredOrder,
    Stores,
)
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
    good_stock = StockCount(
        sale=SALE,
        allocated=2,
        available=0,
        held=0,
        sold=2,
        returned=0,
        limit=1,
        held_by_orders=0,
        units_of_buyers=2,
        most_of_one_buyer=1,
        stray_deadlines=0,
        orders_without_deadline=0,
    )
    good_budget = BudgetCount(
        shard="{s00}",
        campaign="umbrellas",
        budget=1_000,
        available=600,
        reserved=300,
        spent=100,
        worth_of_grants=300,
        stuck_grants=0,
    )
    stores = Stores(
        stock=[good_stock],
        budgets=[good_budget],
        campaigns={"umbrellas": 5_000},
        orders=[
            StoredOrder(order="one", total_minor=700, units={SALE: 1}, discounts={"umbrellas": 100}),
            StoredOrder(order="two", total_minor=700, units={SALE: 1}),
        ],
        journal=[JournalEvent(("e", 1), "sale.opened"), JournalEvent(("e", 2), "sold.out")],
    )
    return Evidence(
        stock={SALE: 2},
        limits={SALE: 1},
        purchases=[a_purchase("one"), a_purchase("two"), a_purchase("late"), a_purchase("unpaid")],
        bill=[captured("one"), captured("two"), captured("late"), refunded("late")],
        ledger=[posted("one"), posted("two")],
        control_events=10,
        seen={("e", 1): "sale.opened", ("e", 2): "sold.out"},
        stores=stores,
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


def in_stores(**changes: object) -> Evidence:
    """A good show of which the stores say something else."""
    good = a_good_show()
    assert good.stores is not None
    return replace(good, stores=replace(good.stores, **changes))  # type: ignore[arg-type]


def the_stock(**changes: int) -> Evidence:
    """A good show whose one sale is counted wrongly."""
    stores = a_good_show().stores
    assert stores is not None
    return in_stores(stock=[replace(stores.stock[0], **changes)])  # type: ignore[arg-type]


def the_budget(**changes: int) -> Evidence:
    """A good show whose one budget is counted wrongly."""
    stores = a_good_show().stores
    assert stores is not None
    return in_stores(budgets=[replace(stores.budgets[0], **changes)])  # type: ignore[arg-type]


def test_a_paid_order_that_sql_lacks_is_found() -> None:
    stores = a_good_show().stores
    assert stores is not None
    assert "every paid order is in SQL, and no other" in broken(in_stores(orders=stores.orders[:1]))


def test_an_order_in_sql_that_nobody_paid_is_found() -> None:
    stores = a_good_show().stores
    assert stores is not None
    unpaid = StoredOrder(order="unpaid", total_minor=700, units={})
    assert broken(in_stores(orders=[*stores.orders, unpaid])) == {"every paid order is in SQL, and no other"}


def test_an_order_in_sql_that_costs_less_than_was_paid_is_found() -> None:
    stores = a_good_show().stores
    assert stores is not None
    cheaper = replace(stores.orders[0], total_minor=699)
    assert broken(in_stores(orders=[cheaper, stores.orders[1]])) == {
        "every paid order is in SQL, and no other"
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"allocated": 3},
        {"available": 1, "returned": -1},
        {"held_by_orders": 1},
        {"units_of_buyers": 3},
        {"most_of_one_buyer": 2},
        {"stray_deadlines": 1},
        {"orders_without_deadline": 1},
    ],
)
def test_stock_that_does_not_add_up_is_found(changes: dict[str, int]) -> None:
    assert broken(the_stock(**changes)) == {"stock adds up on every counter"}


def test_units_that_are_sold_without_an_order_are_found() -> None:
    assert broken(the_stock(allocated=3, sold=3, units_of_buyers=3)) == {"units sold are units of orders"}


@pytest.mark.parametrize(
    "changes",
    [
        {"available": 601},
        {"available": -1, "reserved": 901, "worth_of_grants": 901},
        {"worth_of_grants": 299},
        {"stuck_grants": 1},
        {"spent": 101, "available": 599},
        {"budget": 5_001, "available": 4_601},
    ],
)
def test_a_budget_that_is_not_kept_is_found(changes: dict[str, int]) -> None:
    assert broken(the_budget(**changes)) == {"coupon budgets are kept"}


def test_a_discount_that_no_budget_paid_for_is_found() -> None:
    assert broken(in_stores(budgets=[])) == {"coupon budgets are kept"}


@pytest.mark.parametrize(
    "journal",
    [
        [JournalEvent(("e", 2), "sold.out")],
        [JournalEvent(("e", 1), "sale.opened")],
        [JournalEvent(("e", 1), "sale.opened"), JournalEvent(("e", 2), "pinned")],
        [*[JournalEvent(("e", 1), "sale.opened")] * 2, JournalEvent(("e", 2), "sold.out")],
    ],
    ids=["a gap", "an end that is missing", "another event", "an event twice"],
)
def test_a_journal_that_is_not_what_viewers_saw_is_found(journal: list[JournalEvent]) -> None:
    assert broken(in_stores(journal=journal)) == {"the journal is what viewers saw"}


def test_stores_that_cannot_be_read_are_not_judged() -> None:
    assert len(audit(replace(a_good_show(), stores=None))) < len(audit(a_good_show()))


def test_other_peoples_orders_are_named_not_counted() -> None:
    good = a_good_show()
    assert good.stores is not None
    foreign = StoredOrder(order="foreign", total_minor=700, units={})
    evidence = replace(
        good,
        bill=[*good.bill, captured("foreign")],
        ledger=[*good.ledger, posted("foreign")],
        stores=replace(good.stores, orders=[*good.stores.orders, foreign]),
    )
    assert broken(evidence) == set()
    assert unattributed(evidence) == ["foreign"]
