"""Statements for people: a table for spreadsheets, and a page to print, in their language and time zone."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from html import escape
from io import StringIO
from zoneinfo import ZoneInfo

from msgspec import Struct

from livecommerce.ledger.statement import Statement, StatementLine
from livecommerce.ledger.statement_texts import TEXTS
from livecommerce.money import Money

BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheets take Chinese for something else."""
_COLUMNS = ("time", "order", "entry", "kind", "account", "debit", "credit", "currency")


class Reader(Struct, frozen=True, kw_only=True):
    """For whom a statement is written."""

    lang: str = "en"
    """zh-CN or en; every other is read in English."""
    zone: str = "UTC"
    """IANA name of the time zone of all times; it must be known."""
    owner_name: str = ""
    """What the owner is called; empty where only the id is known."""

    def text(self, key: str) -> str:
        """A text, or the key where there is none: an account or a kind of another release."""
        return self._texts.get(key, key.partition(":")[2] or key)

    @property
    def html_lang(self) -> str:
        """The language in which it really reads."""
        return self.lang if self.lang in TEXTS else "en"

    def time(self, at_ms: int) -> str:
        """A time on the reader's clock; the column or the heading names the zone."""
        return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M:%S")

    @property
    def _texts(self) -> dict[str, str]:
        return TEXTS[self.html_lang]


def as_csv(statement: Statement, reader: Reader) -> str:
    """A table for spreadsheets; amounts in major units."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_headings(reader))
    for line in statement.lines:
        writer.writerow(_cells(line, reader))
    return BYTE_ORDER_MARK + out.getvalue()


def as_html(statement: Statement, reader: Reader) -> str:
    """A page to print: opening balances, postings, closing balances."""
    rows = "".join(_row("td", _cells(line, reader)) for line in statement.lines)
    title = f"{reader.text('title')} · {reader.owner_name or statement.owner}"
    return (
        f'<!doctype html><html lang="{reader.html_lang}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<main><h1>{escape(title)}</h1><p>{escape(_span(statement, reader))}</p>"
        f"<p><small>{escape(statement.owner)}</small></p>"
        f"{_balances('opening', statement.opening, reader)}"
        f'<div role="region" tabindex="0" aria-label="{reader.text("entries")}">'
        f"<table><thead>{_row('th', _headings(reader))}</thead><tbody>{rows}</tbody></table></div>"
        f"{_balances('closing', statement.closing, reader)}</main></html>"
    )


_STYLE = (
    ":root{color-scheme:light dark;--soft:color-mix(in srgb,CanvasText 70%,Canvas)}"
    "body{font:10pt/1.4 system-ui,sans-serif;margin:2cm}"
    "table{border-collapse:collapse;width:100%}small{color:var(--soft)}[role]{overflow-x:auto}"
    "th,td{text-align:left;padding:.2em .6em;border-bottom:1px solid #8886}"
    ":is(th,td):is(:nth-child(6),:nth-child(7)){text-align:right;font-variant-numeric:tabular-nums}"
    "td:nth-child(2),td:nth-child(3){font-size:7pt;overflow-wrap:anywhere}"
    "td:nth-child(1){white-space:nowrap}thead{display:table-header-group}"
    "tr{break-inside:avoid}@page{margin:1.5cm}@media print{body{margin:0}}"
    "@media (max-width:700px){body{margin:1rem}:is(th,td):nth-child(n+4){white-space:nowrap}"
    "td:nth-child(2),td:nth-child(3){min-width:9em}}"
)


def _headings(reader: Reader) -> list[str]:
    time, *others = (reader.text(name) for name in _COLUMNS)
    return [f"{time} ({reader.zone})", *others]


def _cells(line: StatementLine, reader: Reader) -> tuple[str, ...]:
    return (
        reader.time(line.at_ms),
        line.order,
        line.entry,
        reader.text(f"kind:{line.kind}"),
        _account(line.account, reader),
        _amount(line.debit_minor, line.currency),
        _amount(line.credit_minor, line.currency),
        line.currency,
    )


def _account(account: str, reader: Reader) -> str:
    """An account's class; whose it is, the whole statement says."""
    return reader.text(f"account:{account.partition(':')[0]}")


def _span(statement: Statement, reader: Reader) -> str:
    begin, end = reader.time(statement.from_ms), reader.time(statement.to_ms)
    return reader.text("span").format(begin, end, reader.zone)


def _balances(title: str, balances: dict[str, int], reader: Reader) -> str:
    shown = "".join(
        f"<li>{escape(_account(account, reader))}: {Money(minor, account.split()[-1])}</li>"
        for account, minor in sorted(balances.items())
    )
    nothing = f"<li>{reader.text('nothing')}</li>"
    return f"<h2>{reader.text(title)}</h2><ul>{shown or nothing}</ul>"


def _row(cell: str, values: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{cell}>{escape(value)}</{cell}>" for value in values) + "</tr>"


def _amount(minor: int, currency: str) -> str:
    return str(Money(minor, currency)).split()[0] if minor else ""
