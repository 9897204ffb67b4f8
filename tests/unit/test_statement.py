"""Statements add up and can be printed."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator

from msgspec.structs import replace

from livecommerce.ledger.entries import entries_of
from livecommerce.ledger.entry import Entry
from livecommerce.ledger.facts import Refund
from livecommerce.ledger.statement import Statement, as_csv, as_html, make_statement
from tests.orders import an_order

FIRST, SECOND = 1_700_000_000_000, 1_700_086_400_000


async def two_days() -> AsyncIterator[Entry]:
    """An order on the first day, a refund of half of it on the second."""
    order = an_order(confirmed_ms=FIRST)
    refund = Refund(order="order", refund="r", amount_minor=4250, currency="CNY", reason="", at_ms=SECOND)
    for entry in (*entries_of([order]), *entries_of([order, refund])):
        yield entry


async def of_the_second_day(owner: str) -> Statement:
    return await make_statement(two_days(), owner, SECOND, SECOND + 1)


async def test_a_statement_has_the_owners_postings_of_its_time_and_what_came_before() -> None:
    statement = await of_the_second_day("creator")
    assert [(line.kind, line.debit_minor) for line in statement.lines] == [("refund", 950)]
    assert statement.opening == {"creator.pending:creator CNY": 1900}
    assert statement.closing == {"creator.pending:creator CNY": 950}


async def test_fees_that_a_merchant_bears_stand_in_its_statement() -> None:
    statement = await of_the_second_day("shop")
    assert [(line.kind, line.debit_minor, line.credit_minor) for line in statement.lines] == [
        ("refund", 3534, 0),
        ("payment_fee_return", 0, 25),
    ]
    assert statement.opening == {"merchant.pending:shop CNY": 7068 - 51}


async def test_who_sold_nothing_has_an_empty_statement() -> None:
    statement = await of_the_second_day("nobody")
    assert (statement.lines, statement.opening, statement.closing) == ((), {}, {})
    assert "nothing" in as_html(statement)


async def test_csv_has_a_line_a_posting_in_major_units() -> None:
    header, *rows = csv.reader(as_csv(await of_the_second_day("creator")).splitlines())
    assert header == ["time", "order", "entry", "kind", "account", "debit", "credit", "currency"]
    assert [(row[0], row[5], row[6], row[7]) for row in rows] == [("2023-11-15 22:13:20", "9.50", "", "CNY")]


async def test_the_page_can_be_printed_and_escapes_what_it_shows() -> None:
    statement = replace(await of_the_second_day("creator"), owner="<b>me</b>")
    page = as_html(statement)
    assert "&lt;b&gt;me&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "@media print" in page
    assert "creator.pending:creator: 19.00 CNY" in page


async def test_the_page_is_in_english_unless_it_is_asked_in_chinese() -> None:
    statement = await of_the_second_day("creator")
    assert '<html lang="zh-CN">' in as_html(statement, "zh-CN")
    assert as_html(statement, '"><script>') == as_html(statement)
