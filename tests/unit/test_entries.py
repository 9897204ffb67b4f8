"""What an order does to the books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from livecommerce.ledger.entries import BadHistory, entries_of
from livecommerce.ledger.entry import Entry, content_hash, defect
from livecommerce.ledger.facts import Fact, Refund, ReturnPostage, Settlement, UnknownFact, read_fact
from livecommerce.money import PPM
from livecommerce.orders import ConfirmedOrder, LineRates, OrderTerms
from tests.orders import TERMS, a_line, an_order


def a_refund(amount: int, refund: str = "r1", order: str = "order", currency: str = "CNY") -> Refund:
    return Refund(order=order, refund=refund, amount_minor=amount, currency=currency, reason="", at_ms=2)


def sides(entry: Entry) -> dict[str, tuple[int, int]]:
    return {posting.account: (posting.debit_minor, posting.credit_minor) for posting in entry.postings}


def posted(facts: Sequence[Fact]) -> list[Entry]:
    """All entries of a history."""
    return [entry for count in range(1, len(facts) + 1) for entry in entries_of(facts[:count])]


def balances(entries: Sequence[Entry]) -> dict[str, int]:
    """Debits less credits of every account that is not zero."""
    totals: Counter[str] = Counter()
    for entry in entries:
        for posting in entry.postings:
            totals[posting.account] += posting.debit_minor - posting.credit_minor
    return {account: total for account, total in totals.items() if total}


def test_the_worked_order_is_booked_to_the_cent() -> None:
    sale, fee = entries_of([an_order()])
    assert sides(sale) == {
        "provider.receivable:sandbox": (8500, 0),
        "platform.marketing": (1000, 0),
        "merchant.pending:shop": (0, 7068),
        "creator.pending:creator": (0, 1900),
        "platform.commission.deferred": (0, 475),
        "platform.technical_fee.deferred": (0, 57),
    }
    assert sides(fee) == {"merchant.pending:shop": (51, 0), "provider.fees:sandbox": (0, 51)}


def test_a_guest_brand_leaves_its_share_to_the_shows_shop() -> None:
    terms = msgspec.structs.replace(TERMS, brand_ppm=100_000)
    sale, _ = entries_of([an_order(shop="brand", host_shop="show", terms=terms)])
    assert sides(sale)["host.pending:show"] == (0, 950)
    assert sides(sale)["merchant.pending:brand"] == (0, 7068 - 950)


def test_the_platform_bears_the_payment_fee_where_it_said_so() -> None:
    terms = msgspec.structs.replace(TERMS, payment_fee_bearer="platform")
    _, fee = entries_of([an_order(terms=terms)])
    assert sides(fee) == {"platform.payment_fees": (51, 0), "provider.fees:sandbox": (0, 51)}


def test_settlement_makes_pending_available_and_deferred_revenue() -> None:
    assert balances(posted([an_order(), Settlement(order="order", at_ms=3)])) == {
        "provider.receivable:sandbox": 8500,
        "provider.fees:sandbox": -51,
        "platform.marketing": 1000,
        "merchant.available:shop": -(7068 - 51),
        "creator.available:creator": -1900,
        "platform.commission.revenue": -475,
        "platform.technical_fee.revenue": -57,
    }


def test_a_refund_after_settlement_claws_back_what_was_available() -> None:
    facts: list[Fact] = [an_order(), Settlement(order="order", at_ms=3), a_refund(8500)]
    assert balances(posted(facts)) == {}
    refund, _ = entries_of(facts)
    assert sides(refund)["creator.available:creator"] == (1900, 0)


def test_settlement_after_a_partial_refund_moves_what_is_left() -> None:
    left = balances(posted([an_order(), a_refund(4250), Settlement(order="order", at_ms=3)]))
    assert left["creator.available:creator"] == -950
    assert not [account for account in left if ".pending:" in account or account.endswith(".deferred")]


def test_a_merchant_in_debt_stays_in_debt_through_settlement() -> None:
    terms = msgspec.structs.replace(TERMS, creator_ppm=PPM - 56_000, payment_fee_ppm=10_000)
    left = balances(posted([an_order(terms=terms), Settlement(order="order", at_ms=3)]))
    assert left["merchant.available:shop"] == 85


def test_return_postage_is_an_entry_of_its_own() -> None:
    postage = ReturnPostage(
        order="order", parcel="p1", amount_minor=1200, currency="CNY", bearer="merchant", at_ms=2
    )
    (entry,) = entries_of([an_order(), postage])
    assert sides(entry) == {"merchant.pending:shop": (1200, 0), "provider.receivable:sandbox": (0, 1200)}
    left = balances(posted([an_order(), postage, Settlement(order="order", at_ms=3)]))
    assert left["merchant.available:shop"] == -(7068 - 51 - 1200)
    borne = msgspec.structs.replace(postage, bearer="platform")
    assert sides(entries_of([an_order(), borne])[0])["platform.return_postage"] == (1200, 0)


def test_an_entry_is_the_same_however_often_it_is_made() -> None:
    first, again = entries_of([an_order()]), entries_of([an_order()])
    assert first == again
    assert [content_hash(entry) for entry in first] == [content_hash(entry) for entry in again]
    assert all(UUID(entry.entry).version == 5 for entry in first)


def test_entries_of_other_events_have_other_ids() -> None:
    entries = posted([an_order(), a_refund(1, "r1"), a_refund(1, "r2"), Settlement(order="order", at_ms=3)])
    assert len({entry.entry for entry in entries}) == len(entries)


@pytest.mark.parametrize(
    "facts",
    [
        [],
        [a_refund(1)],
        [an_order(), an_order()],
        [an_order(), a_refund(8501)],
        [an_order(), a_refund(-1)],
        [an_order(), a_refund(1, order="another")],
        [an_order(), a_refund(1, currency="USD")],
        [an_order(), Settlement(order="order", at_ms=3), Settlement(order="order", at_ms=4)],
        [an_order(terms=msgspec.structs.replace(TERMS, creator_ppm=PPM))],
        [msgspec.structs.replace(an_order(), total_minor=1)],
    ],
)
def test_facts_that_contradict_each_other_make_no_entry(facts: list[Fact]) -> None:
    with pytest.raises(BadHistory):
        entries_of(facts)


def test_documents_are_read_by_the_type_of_their_event() -> None:
    order = an_order()
    assert read_fact("order.confirmed", msgspec.to_builtins(order)) == order
    with pytest.raises(UnknownFact, match="no fact is called"):
        read_fact("order.eaten", {})
    with pytest.raises(UnknownFact, match="cannot be read"):
        read_fact("order.settled", {"order": 1})


def test_a_defect_is_named() -> None:
    sale = entries_of([an_order()])[0]
    replace = msgspec.structs.replace
    assert defect(sale) is None
    assert defect(replace(sale, postings=sale.postings[:1])) == "fewer than two postings"
    assert "are not credits" in (defect(replace(sale, postings=sale.postings[:-1])) or "")
    both = replace(sale.postings[0], credit_minor=1)
    assert "exactly one side" in (defect(replace(sale, postings=(both, *sale.postings[1:]))) or "")


rates = st.integers(0, 300_000)
any_terms = st.builds(
    OrderTerms,
    commission_ppm=rates,
    technical_fee_ppm=rates,
    creator_ppm=rates,
    brand_ppm=st.integers(0, 100_000),
    payment_fee_ppm=st.integers(0, 20_000),
    payment_fee_bearer=st.sampled_from(["merchant", "platform"]),
)


@st.composite
def any_orders(draw: st.DrawFn) -> ConfirmedOrder:
    lines = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        gross = draw(st.integers(0, 10**7))
        merchant = draw(st.integers(0, gross))
        lines.append(a_line(number, gross, merchant, draw(st.integers(0, gross - merchant))))
    return an_order(*lines, terms=draw(any_terms), host_shop=draw(st.sampled_from(["shop", "show"])))


@st.composite
def full_refunds(draw: st.DrawFn) -> list[Fact]:
    """An order, refunded to the last cent in any parts, settled somewhere between or not at all."""
    order = draw(any_orders())
    cuts = sorted(draw(st.lists(st.integers(0, order.total_minor), max_size=6)))
    amounts = [high - low for low, high in zip([0, *cuts], [*cuts, order.total_minor], strict=True)]
    facts: list[Fact] = [a_refund(amount, f"r{number}") for number, amount in enumerate(amounts)]
    if draw(st.booleans()):
        facts.insert(draw(st.integers(0, len(facts))), Settlement(order="order", at_ms=3))
    return [order, *facts]


@given(any_orders())
def test_splits_add_up_exactly(order: ConfirmedOrder) -> None:
    assert all(defect(entry) is None for entry in entries_of([order]))


@given(full_refunds())
def test_a_full_refund_in_any_parts_leaves_zero_on_every_account(facts: list[Fact]) -> None:
    entries = posted(facts)
    assert all(defect(entry) is None for entry in entries)
    assert balances(entries) == {}


def test_each_line_is_split_by_its_own_rates_and_shipping_is_the_merchants() -> None:
    tea = replace(
        a_line(1, 10_000, 500, 1_000), rates=LineRates(commission_ppm=20_000, technical_fee_ppm=6_000)
    )
    ring = replace(
        a_line(2, 20_000),
        rates=LineRates(commission_ppm=100_000, technical_fee_ppm=10_000),
        shipping_minor=800,
        paid_minor=20_800,
    )
    sale, _ = entries_of([an_order(tea, ring)])
    assert sides(sale) == {
        "provider.receivable:sandbox": (8_500 + 20_800, 0),
        "platform.marketing": (1_000, 0),
        "merchant.pending:shop": (0, 7_353 + 13_800 + 800),
        "creator.pending:creator": (0, 1_900 + 4_000),
        "platform.commission.deferred": (0, 190 + 2_000),
        "platform.technical_fee.deferred": (0, 57 + 200),
    }
