"""Statements add up and can be printed."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator

from msgspec.structs import replace

from livecommerce.ledger.accounts import accounts_of
from livecommerce.ledger.entries import entries_of
from livecommerce.ledger.entry import Entry
from livecommerce.ledger.facts import Refund
from livecommerce.ledger.statement import Statement, make_statement
from livecommerce.ledger.statement_page import Reader, as_csv, as_html
from livecommerce.ledger.statement_texts import TEXTS
from tests.orders import an_order

FIRST, SECOND = 1_700_000_000_000, 1_700_086_400_000
ENGLISH = Reader()
CHINESE = Reader(lang="zh-CN", zone="Asia/Shanghai", owner_name="茶店")


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
    assert "nothing" in as_html(statement, ENGLISH)


async def test_csv_has_a_line_a_posting_in_major_units() -> None:
    text = as_csv(await of_the_second_day("creator"), ENGLISH)
    header, *rows = csv.reader(text.removeprefix("\ufeff").splitlines())
    assert header == ["Time (UTC)", "Order", "Entry", "Kind", "Account", "Debit", "Credit", "Currency"]
    assert [(row[0], row[3], row[4], row[5], row[6], row[7]) for row in rows] == [
        ("2023-11-15 22:13:20", "Refund", "Host’s commission, until settled", "9.50", "", "CNY")
    ]


async def test_the_page_can_be_printed_and_escapes_what_it_shows() -> None:
    statement = replace(await of_the_second_day("creator"), owner="<b>me</b>")
    page = as_html(statement, Reader(owner_name="<i>Mei</i>"))
    assert ("&lt;b&gt;me&lt;/b&gt;" in page, "&lt;i&gt;Mei&lt;/i&gt;" in page) == (True, True)
    assert ("<b>" in page, "<i>" in page) == (False, False)
    assert "@media print" in page
    assert "Host’s commission, until settled: 19.00 CNY" in page


async def test_the_page_is_in_the_readers_language_and_time_zone_and_names_it() -> None:
    page = as_html(await of_the_second_day("creator"), CHINESE)
    assert '<html lang="zh-CN">' in page
    assert "<h1>对账单 · 茶店</h1>" in page
    assert "2023-11-16 06:13:20" in page
    assert "（Asia/Shanghai）" in page
    assert "主播佣金（待结算）: 19.00 CNY" in page
    assert ("creator.pending" in page, "UTC" in page) == (False, False)


async def test_the_page_is_in_english_where_its_language_is_not_spoken() -> None:
    statement = await of_the_second_day("creator")
    assert as_html(statement, Reader(lang='"><script>')) == as_html(statement, ENGLISH)


def test_every_account_of_an_owner_has_a_name_in_every_language() -> None:
    classes = {f"account:{account.partition(':')[0]}" for account in accounts_of("owner")}
    for texts in TEXTS.values():
        assert classes <= texts.keys()
        assert texts.keys() == TEXTS["en"].keys()


async def test_what_another_release_has_booked_is_shown_as_it_is() -> None:
    statement = await of_the_second_day("creator")
    line = replace(statement.lines[0], kind="gift", account="creator.gifts:creator")
    page = as_csv(replace(statement, lines=(line,)), ENGLISH)
    assert ",gift,creator.gifts," in page
