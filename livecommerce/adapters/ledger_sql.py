"""A ledger in SQL tables of its own: what ``sqlite`` and ``postgresql`` have in common.

Entries and postings are only ever inserted; triggers refuse every change, also from other clients. A batch is
one transaction, durable when it is answered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_connection import AWAY, is_unfit, reading
from livecommerce.ledger.accounts import accounts_of
from livecommerce.ledger.backend import Balance, Health, LedgerAway, Outcome, Posted
from livecommerce.ledger.entry import Entry, content_hash, defect

_metadata = MetaData()

_entries = Table(
    "ledger_entries",
    _metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("entry", String(36), nullable=False, unique=True),
    Column("hash", String(64), nullable=False),
    Column("order", String(64), nullable=False, index=True),
    Column("document", Text, nullable=False),
)

_postings = Table(
    "ledger_postings",
    _metadata,
    Column("entry", String(36), ForeignKey("ledger_entries.entry"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("account", String(120), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("debit_minor", BigInteger, nullable=False),
    Column("credit_minor", BigInteger, nullable=False),
    Index("ix_ledger_postings_account", "account", "currency"),
)

_SCAN_ROWS = 1_000
_SCHEMA_LOCK = 7_203_561_190_143_224_066

_APPEND_ONLY = {
    "sqlite": """
        CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END
    """,
    "postgresql": """
        CREATE OR REPLACE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()
    """,
}
_REFUSAL = """
    CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the ledger is append only'; END $$
"""

_FAILURES: tuple[type[Exception], ...] = (*AWAY, OverflowError)
"""What a batch may end in: the database is away, or refuses a value."""


class SqlLedger:
    """Implements ``LedgerBackend``; takes over the engine and disposes of it when closed."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._name = engine.dialect.name

    @classmethod
    async def open(cls, engine: AsyncEngine) -> SqlLedger:
        """The ledger in a database; makes its tables where they are missing.

        Raises:
            LedgerAway: the database cannot be reached; the engine is disposed of.
        """
        try:
            async with engine.begin() as connection:
                await connection.run_sync(_make_tables)
        except AWAY as error:
            await engine.dispose()
            raise LedgerAway(str(error)) from error
        return cls(engine)

    async def post(self, batch: Sequence[Entry]) -> Sequence[Posted]:
        """Takes entries in one transaction; where the database refuses one of them, each in its own."""
        defects = {index: reason for index, entry in enumerate(batch) if (reason := defect(entry))}
        sound = [entry for index, entry in enumerate(batch) if index not in defects]
        answers = iter(await self._post_sound(sound))
        return [
            Posted(outcome=Outcome.REJECTED, reason=defects[index]) if index in defects else next(answers)
            for index in range(len(batch))
        ]

    async def _post_sound(self, batch: Sequence[Entry]) -> list[Posted]:
        """Takes entries in one transaction, or each in its own where the database refuses one of them."""
        try:
            async with self._engine.begin() as connection:
                return await self._insert(connection, batch)
        except _FAILURES as error:
            if not is_unfit(error):
                return [Posted(outcome=Outcome.RETRY, reason=_first_line(error))] * len(batch)
            if len(batch) == 1:
                return [Posted(outcome=Outcome.REJECTED, reason=_first_line(error))]
        return [posted for entry in batch for posted in await self._post_sound([entry])]

    async def lookup(self, order: str) -> Sequence[Entry]:
        """An order's entries."""
        return await self._read(
            select(_entries.c.document).where(_entries.c.order == order).order_by(_entries.c.number)
        )

    async def recent(self, limit: int) -> Sequence[Entry]:
        """The last applied entries, newest first."""
        return await self._read(select(_entries.c.document).order_by(_entries.c.number.desc()).limit(limit))

    async def scan(self, owner: str = "") -> AsyncIterator[Entry]:
        """All entries, or those that touch an owner's accounts, a page at a time."""
        page = select(_entries.c.number, _entries.c.document).order_by(_entries.c.number).limit(_SCAN_ROWS)
        if owner:
            touched = select(_postings.c.entry).where(_postings.c.account.in_(accounts_of(owner)))
            page = page.where(_entries.c.entry.in_(touched))
        after = 0
        while rows := await self._rows(page.where(_entries.c.number > after)):
            for row in rows:
                yield msgspec.json.decode(row.document, type=Entry)
            after = rows[-1].number

    async def trial_balance(self) -> Sequence[Balance]:
        """Both sides of every account."""
        rows = await self._rows(
            select(
                _postings.c.account,
                _postings.c.currency,
                func.sum(_postings.c.debit_minor).label("debit"),
                func.sum(_postings.c.credit_minor).label("credit"),
            )
            .group_by(_postings.c.account, _postings.c.currency)
            .order_by(_postings.c.currency, _postings.c.account)
        )
        return [
            Balance(
                account=row.account,
                currency=row.currency,
                debit_minor=int(row.debit),
                credit_minor=int(row.credit),
            )
            for row in rows
        ]

    async def health(self) -> Health:
        """Whether the database answers."""
        try:
            (row,) = await self._rows(select(func.count()).select_from(_entries))
        except LedgerAway as error:
            return Health(backend=self._name, healthy=False, detail=str(error))
        return Health(backend=self._name, healthy=True, entries=row[0])

    async def aclose(self) -> None:
        """Disposes of the engine."""
        await self._engine.dispose()

    async def _insert(self, connection: AsyncConnection, batch: Sequence[Entry]) -> list[Posted]:
        if not batch:
            return []
        first: dict[str, Entry] = {}
        for entry in batch:
            first.setdefault(entry.entry, entry)
        new = await self._insert_new(connection, [_entry_row(entry) for entry in first.values()])
        lines = [row for entry in first.values() if entry.entry in new for row in _posting_rows(entry)]
        if lines:
            await connection.execute(insert(_postings), lines)
        known = await self._hashes(connection, list(first))
        return _answers(batch, new, known)

    async def _insert_new(self, connection: AsyncConnection, rows: list[dict[str, str]]) -> set[str]:
        """Inserts what is not there yet, not even from another caller; answers the ids it inserted."""
        dialect: Any = sqlite_insert if self._name == "sqlite" else postgresql_insert
        statement = (
            dialect(_entries)
            .on_conflict_do_nothing(index_elements=[_entries.c.entry])
            .returning(_entries.c.entry)
        )
        return set((await connection.execute(statement, rows)).scalars())

    async def _hashes(self, connection: AsyncConnection, entries: list[str]) -> dict[str, str]:
        found = await connection.execute(
            select(_entries.c.entry, _entries.c.hash).where(_entries.c.entry.in_(entries))
        )
        return {row.entry: row.hash for row in found}

    async def _read(self, statement: Select[Any]) -> list[Entry]:
        return [msgspec.json.decode(row.document, type=Entry) for row in await self._rows(statement)]

    async def _rows(self, statement: Select[Any]) -> Sequence[Any]:
        try:
            async with reading(self._engine) as connection:
                rows: Sequence[Any] = (await connection.execute(statement)).all()
                return rows
        except AWAY as error:
            raise LedgerAway(_first_line(error)) from error


def _answers(batch: Sequence[Entry], new: set[str], known: dict[str, str]) -> list[Posted]:
    unused, answers = set(new), []
    for entry in batch:
        if content_hash(entry) != known[entry.entry]:
            reason = f"entry {entry.entry} is there with other content"
            answers.append(Posted(outcome=Outcome.CONFLICT, reason=reason))
        elif entry.entry in unused:
            unused.remove(entry.entry)
            answers.append(Posted(outcome=Outcome.APPLIED))
        else:
            answers.append(Posted(outcome=Outcome.DUPLICATE))
    return answers


def _entry_row(entry: Entry) -> dict[str, str]:
    return {
        "entry": entry.entry,
        "hash": content_hash(entry),
        "order": entry.order,
        "document": msgspec.json.encode(entry).decode(),
    }


def _posting_rows(entry: Entry) -> list[dict[str, str | int]]:
    return [
        {
            "entry": entry.entry,
            "position": position,
            "account": posting.account,
            "currency": entry.currency,
            "debit_minor": posting.debit_minor,
            "credit_minor": posting.credit_minor,
        }
        for position, posting in enumerate(entry.postings)
    ]


def _make_tables(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))
        connection.execute(text(_REFUSAL))
    _metadata.create_all(connection)
    template = _APPEND_ONLY[connection.dialect.name]
    for table in (_entries.name, _postings.name):
        for verb in ("UPDATE", "DELETE"):
            connection.execute(text(template.format(table=table, verb=verb)))


def _first_line(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return str(cause).splitlines()[0] if str(cause) else type(cause).__name__
