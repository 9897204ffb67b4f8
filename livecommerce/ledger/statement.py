"""Statements: what one owner was credited and debited, as values, CSV and a page to print."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from html import escape
from io import StringIO

from msgspec import Struct

from livecommerce.ledger.accounts import owner_of
from livecommerce.ledger.entry import Entry
from livecommerce.money import Money

_COLUMNS = ("time", "order", "entry", "kind", "account", "debit", "credit", "currency")


class StatementLine(Struct, frozen=True, kw_only=True):
    """One posting on one of the owner's accounts."""

    at_ms: int
    order: str
    entry: str
    kind: str
    account: str
    debit_minor: int
    credit_minor: int
    currency: str


class Statement(Struct, frozen=True, kw_only=True):
    """An owner's postings of a time span, and what the owner was owed before and after it."""

    owner: str
    from_ms: int
    to_ms: int
    """Not included."""
    lines: tuple[StatementLine, ...]
    opening: dict[str, int]
    """``<account> <currency>`` → credits less debits before the span."""
    closing: dict[str, int]


async def make_statement(entries: AsyncIterator[Entry], owner: str, from_ms: int, to_ms: int) -> Statement:
    """Reads through a ledger's entries once."""
    lines: list[StatementLine] = []
    opening: Counter[str] = Counter()
    closing: Counter[str] = Counter()
    async for entry in entries:
        for line in _lines(entry, owner):
            if line.at_ms >= to_ms:
                continue
            account = f"{line.account} {line.currency}"
            closing[account] += line.credit_minor - line.debit_minor
            if line.at_ms < from_ms:
                opening[account] += line.credit_minor - line.debit_minor
            else:
                lines.append(line)
    lines.sort(key=lambda line: line.at_ms)
    return Statement(
        owner=owner,
        from_ms=from_ms,
        to_ms=to_ms,
        lines=tuple(lines),
        opening=dict(opening),
        closing=dict(closing),
    )


def as_csv(statement: Statement) -> str:
    """A table for spreadsheets; amounts in major units, times in UTC."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for line in statement.lines:
        writer.writerow(_cells(line))
    return out.getvalue()


def as_html(statement: Statement, lang: str = "en") -> str:
    """A page to print: opening balances, postings, closing balances; in English by default."""
    texts = _TEXTS.get(lang, _TEXTS["en"])
    rows = "".join(_row("td", _cells(line)) for line in statement.lines)
    span = texts["span"].format(_time(statement.from_ms), _time(statement.to_ms))
    return (
        f'<!doctype html><html lang="{lang if lang in _TEXTS else "en"}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{texts['title']} {escape(statement.owner)}</title><style>{_STYLE}</style>"
        f"<h1>{texts['title']}</h1><p>{escape(statement.owner)}, {span}</p>"
        f"{_balances(texts['opening'], statement.opening, texts['nothing'])}"
        f"<table><thead>{_row('th', [texts[name] for name in _COLUMNS])}</thead><tbody>{rows}</tbody></table>"
        f"{_balances(texts['closing'], statement.closing, texts['nothing'])}</html>"
    )


_TEXTS = {
    "en": {
        **{name: name for name in _COLUMNS},
        "title": "Statement",
        "span": "{} to {} (UTC)",
        "opening": "Opening balance",
        "closing": "Closing balance",
        "nothing": "nothing",
    },
    "zh-CN": {
        "time": "时间",
        "order": "订单",
        "entry": "分录",
        "kind": "类型",
        "account": "账户",
        "debit": "借方",
        "credit": "贷方",
        "currency": "币种",
        "title": "对账单",
        "span": "{} 至 {}(UTC)",
        "opening": "期初余额",
        "closing": "期末余额",
        "nothing": "无",
    },
}

_STYLE = (
    "body{font:10pt/1.4 system-ui,sans-serif;margin:2cm;color:#111}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.2em .6em;border-bottom:1px solid #ccc}td:nth-child(6),td:nth-child(7)"
    "{text-align:right;font-variant-numeric:tabular-nums}thead{display:table-header-group}"
    "tr{break-inside:avoid}@page{margin:1.5cm}@media print{body{margin:0}}"
    "@media (max-width:700px){body{margin:1rem}table{display:block;overflow-x:auto;white-space:nowrap}}"
)


def _lines(entry: Entry, owner: str) -> list[StatementLine]:
    return [
        StatementLine(
            at_ms=entry.at_ms,
            order=entry.order,
            entry=entry.entry,
            kind=entry.kind,
            account=posting.account,
            debit_minor=posting.debit_minor,
            credit_minor=posting.credit_minor,
            currency=entry.currency,
        )
        for posting in entry.postings
        if owner_of(posting.account) == owner
    ]


def _cells(line: StatementLine) -> tuple[str, ...]:
    return (
        _time(line.at_ms),
        line.order,
        line.entry,
        line.kind,
        line.account,
        _amount(line.debit_minor, line.currency),
        _amount(line.credit_minor, line.currency),
        line.currency,
    )


def _balances(title: str, balances: dict[str, int], nothing: str) -> str:
    shown = "".join(
        f"<li>{escape(account.split()[0])}: {Money(minor, account.split()[1])}</li>"
        for account, minor in sorted(balances.items())
    )
    return f"<h2>{title}</h2><ul>{shown or f'<li>{nothing}</li>'}</ul>"


def _row(cell: str, values: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{cell}>{escape(value)}</{cell}>" for value in values) + "</tr>"


def _amount(minor: int, currency: str) -> str:
    return str(Money(minor, currency)).split()[0] if minor else ""


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
