"""The ledger's command line, as an operator uses it."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.ledgers import open_ledger
from livecommerce.adapters.sql_connection import migrate, open_sql
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_reconciliations import SqlReconciliations
from livecommerce.adapters.sql_schema import allocations, orders, products, shops, skus, sql_outbox
from livecommerce.ledger import contract
from livecommerce.ledger.reconcile import Reconciliation
from livecommerce.ledger_cli import DONE, FAILED, LOOK, add_ledger_commands, time_ms
from livecommerce.settings import Settings
from tests.integration.test_projection import a_fact
from tests.integration.test_relay import confirm
from tests.orders import an_order

TRADE_BILL = """\
交易时间,微信订单号,商户订单号,交易状态,货币种类,订单金额,申请退款金额
`2023-11-15 06:13:20,`pay-a,`x,`SUCCESS,`CNY,`85.00,`0.00
`2023-11-15 06:13:20,`pay-b,`y,`SUCCESS,`CNY,`{amount},`0.00
总交易单数
"""


class Operator:
    """Somebody at a terminal, on a machine with two confirmed orders."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.settings = Settings(data_dir=folder)
        self._capsys = capsys
        self._parser = argparse.ArgumentParser()
        add_ledger_commands(self._parser.add_subparsers())

    def run(self, *arguments: str) -> tuple[int, str]:
        """A command's exit code and what it printed."""
        options = self._parser.parse_args(["ledger", *arguments])
        code: int = options.run(self.settings, options)
        return code, self._capsys.readouterr().out

    def json(self, *arguments: str) -> tuple[int, Any]:
        """The same with ``--json``."""
        code, text = self.run(*arguments, "--json")
        return code, json.loads(text)

    def in_sql(self, *statements: Any) -> None:
        """Changes the database behind everybody's back."""

        async def change(engine: AsyncEngine) -> None:
            async with engine.begin() as connection:
                for statement in statements:
                    await connection.execute(statement)

        self.with_sql(change)

    def with_sql(self, act: Any) -> None:
        """Does something with the database."""

        async def work() -> None:
            engine = open_sql(self.settings.sql_url)
            await act(engine)
            await engine.dispose()

        run(work())


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Operator:
    operator = Operator(tmp_path, capsys)
    run(migrate(operator.settings.sql_url))
    operator.with_sql(lambda engine: confirm(engine, "a", "b"))
    return operator


def book(operator: Operator) -> None:
    """Has everything booked."""
    operator.in_sql(update(sql_outbox).values(state="applied"))
    assert operator.json("replay", "--from", "1970-01-01", "--yes")[0] == DONE


def test_status_counts_what_is_where(operator: Operator) -> None:
    code, status = operator.json("status")
    assert (code, status["queue"]["pending"], status["ledger"]["entries"]) == (DONE, 2, 0)
    assert status["outbox"] is None
    assert "on its way" in operator.run("status")[1]


def test_status_asks_to_look_at_dead_letters_and_sick_ledgers(operator: Operator, tmp_path: Path) -> None:
    operator.in_sql(update(sql_outbox).values(state="dead"))
    assert operator.run("status")[0] == LOOK
    operator.in_sql(update(sql_outbox).values(state="applied"))
    assert operator.run("status")[0] == DONE
    for file in tmp_path.glob("ledger.sqlite*"):
        file.unlink()
    (tmp_path / "ledger.sqlite").write_text("this is no database, whatever its name says")
    assert operator.run("status")[0] == LOOK
    assert operator.run("trial-balance")[0] == FAILED


def test_replay_needs_a_yes_and_books_what_is_missing(operator: Operator) -> None:
    operator.in_sql(update(sql_outbox).values(state="applied"))
    assert operator.run("replay", "--from", "1970-01-01") == (FAILED, "")
    assert operator.json("status")[1]["queue"]["applied"] == 2
    code, report = operator.json("replay", "--from", "1970-01-01", "--yes")
    assert (code, report) == (DONE, {"replayed": 2, "pending": 0, "dead": 0})
    assert operator.json("status")[1]["ledger"]["entries"] == 4
    assert operator.json("replay", "--from", "2100-01-01", "--yes")[1]["replayed"] == 0


def test_dead_letters_are_listed_retried_and_dropped(operator: Operator) -> None:
    operator.in_sql(update(sql_outbox).values(state="dead", error="conflict: no"))
    code, listed = operator.json("dead-letters", "list")
    assert (code, [letter["error"] for letter in listed["dead_letters"]]) == (LOOK, ["conflict: no"] * 2)
    first, second = (letter["id"] for letter in listed["dead_letters"])
    assert "conflict: no" in operator.run("dead-letters", "list")[1]
    assert operator.run("dead-letters", "drop", first) == (FAILED, "")
    assert operator.json("dead-letters", "drop", first, "--yes") == (DONE, {"letters": 1})
    assert operator.json("dead-letters", "retry", "unknown") == (LOOK, {"letters": 0})
    assert operator.json("dead-letters", "retry", second) == (DONE, {"letters": 1})
    assert operator.json("dead-letters", "list") == (DONE, {"dead_letters": []})


def test_the_trial_balance_adds_up(operator: Operator) -> None:
    book(operator)
    code, balance = operator.json("trial-balance")
    assert (code, balance["totals"]) == (
        DONE,
        [{"currency": "CNY", "debit_minor": 19102, "credit_minor": 19102}],
    )
    assert "merchant.pending:shop" in operator.run("trial-balance")[1]


HEADINGS = "\ufeffTime (UTC),Order,Entry,Kind,Account,Debit,Credit,Currency"


def test_a_statement_is_written_as_csv_and_as_a_page(operator: Operator, tmp_path: Path) -> None:
    book(operator)
    code, text = operator.run("statement", "creator")
    assert (code, text.count("19.00"), text.splitlines()[0]) == (DONE, 2, HEADINGS)
    code, local = operator.run("statement", "creator", "--lang", "zh-CN", "--zone", "Asia/Shanghai")
    assert local.splitlines()[0].startswith("\ufeff时间 (Asia/Shanghai),订单,")
    page = tmp_path / "statement.html"
    assert operator.run("statement", "creator", "--format", "html", "--output", str(page)) == (DONE, "")
    assert "38.00 CNY" in page.read_text("utf-8")
    assert operator.json("statement", "creator", "--to", "2000-01-01")[1]["lines"] == []


def test_reconcile_agrees_with_itself_and_with_the_bill(operator: Operator, tmp_path: Path) -> None:
    book(operator)
    assert operator.json("reconcile") == (DONE, {"orders": 2, "differences": []})
    bill = tmp_path / "bill.csv"
    bill.write_text(TRADE_BILL.format(amount="85.00"), "utf-8")
    assert "all agree" in operator.run("reconcile", "--bill", str(bill))[1]
    bill.write_text("nonsense", "utf-8")
    assert operator.run("reconcile", "--bill", str(bill))[0] == FAILED


def test_reconcile_finds_planted_errors(operator: Operator, tmp_path: Path) -> None:
    book(operator)
    bill = tmp_path / "bill.csv"
    bill.write_text(TRADE_BILL.format(amount="84.00"), "utf-8")

    async def post_a_ghost() -> None:
        ledger = await open_ledger(operator.settings.ledger_address)
        await ledger.post([contract.sample_entry("ghost")])
        await ledger.aclose()

    run(post_a_ghost())
    operator.in_sql(
        update(orders).where(orders.c.order == "a").values(refunded_minor=1),
        insert(shops).values(shop="s", name={}, created_ms=0),
        insert(products).values(
            product="p", shop="s", title={}, image="", category="", currency="CNY", created_ms=0
        ),
        insert(skus).values(sku="k", product="p", title={}, price_minor=1, on_hand=1, position=0),
        insert(allocations).values(sale="sale", sku="k", allocated=9, sold=7, created_ms=0, closed_ms=1),
        delete(sql_outbox),
    )
    code, report = operator.json("reconcile", "--bill", str(bill))
    found = {(one["finding"], one["subject"]) for one in report["differences"]}
    assert code == LOOK
    assert found == {
        ("booked_without_order", "ghost"),
        ("booked_amount", "a"),
        ("billed_amount", "pay-a"),
        ("billed_amount", "pay-b"),
        ("sold_units", "sale"),
    }
    assert "sold_units" in operator.run("reconcile", "--bill", str(bill))[1]


def test_what_reconciling_found_is_kept(operator: Operator) -> None:
    operator.run("reconcile")
    found: list[Reconciliation | None] = []

    async def look(engine: AsyncEngine) -> None:
        found.append(await SqlReconciliations(engine).last())

    operator.with_sql(look)
    [last] = found
    assert last is not None
    assert (last.orders, last.bill, set(last.findings)) == (2, "none", {"pending_too_long"})


def test_times_are_utc_unless_they_say_otherwise() -> None:
    assert time_ms("2026-05-01") == time_ms("2026-05-01T08:00+08:00") == 1_777_593_600_000
    with pytest.raises(argparse.ArgumentTypeError, match="is no time"):
        time_ms("yesterday")


def test_an_order_that_sql_could_not_take_is_repaired_and_not_only_sent_again(
    operator: Operator, tmp_path: Path
) -> None:
    order = msgspec.to_builtins(an_order(order="c"))
    broken = {name: value for name, value in order.items() if name != "lines"}
    operator.with_sql(lambda engine: SqlProjection(engine).apply([a_fact("order.confirmed", "c", broken)]))
    letter = "c:order.confirmed:1"
    assert operator.json("dead-letters", "list")[1]["dead_letters"][0]["needs_repair"]
    assert operator.json("dead-letters", "retry") == (DONE, {"letters": 0})
    code, report = operator.json("dead-letters", "repair")
    assert (code, list(report["letters"])) == (LOOK, [letter])

    mended = tmp_path / "mended.json"
    mended.write_bytes(msgspec.json.encode(order))
    assert operator.run("dead-letters", "repair", letter, "--document", str(mended))[0] == FAILED
    another = tmp_path / "another.json"
    another.write_bytes(msgspec.json.encode(an_order(order="d")))
    refused = operator.json("dead-letters", "repair", letter, "--document", str(another), "--yes")
    assert refused == (LOOK, {"letters": {letter: "the letter is about c, not about d"}})
    assert operator.json("dead-letters", "repair", letter, "--document", str(mended), "--yes")[0] == DONE
    assert operator.json("dead-letters", "list") == (DONE, {"dead_letters": []})
    assert operator.json("drain")[1] == {"pending": 0, "dead": 0, "told": 3}
    assert operator.json("reconcile") == (DONE, {"orders": 3, "differences": []})
