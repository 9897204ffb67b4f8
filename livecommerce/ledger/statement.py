"""Statements: what one owner was credited and debited."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from msgspec import Struct

from livecommerce.ledger.accounts import owner_of
from livecommerce.ledger.entry import Entry


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
