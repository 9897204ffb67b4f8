"""SQL transactions whose failure is a domain error, and inserts that may be repeated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_connection import AWAY, is_unfit, reading
from livecommerce.errors import Unavailable


@asynccontextmanager
async def writes(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction; on SQLite it holds the write lock from its first statement.

    Raises:
        Unavailable: ``sql_away``; nothing was written, or the answer to the commit was lost.
    """
    try:
        async with engine.begin() as connection:
            yield connection
    except AWAY as error:
        if _is_ours(error):
            raise
        raise Unavailable("sql_away") from error


@asynccontextmanager
async def reads(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One consistent state; blocks no writer.

    Raises:
        Unavailable: ``sql_away``.
    """
    try:
        async with reading(engine) as connection:
            yield connection
    except AWAY as error:
        if _is_ours(error):
            raise
        raise Unavailable("sql_away") from error


async def insert_new(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> bool:
    """Inserts a row unless one with its key is there. Returns whether it was inserted."""
    result = await connection.execute(_insert(connection, table).values(values).on_conflict_do_nothing())
    return result.rowcount == 1


async def insert_many_new(
    connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Inserts the rows whose key is not there yet; all have the same columns."""
    if rows:
        await connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


async def upsert(
    connection: AsyncConnection, table: Table, values: Mapping[str, Any], *, keep: Sequence[str] = ()
) -> None:
    """Inserts a row, or brings the one with its key up to date except for the columns to keep."""
    statement = _insert(connection, table).values(values)
    keys = [column.name for column in table.primary_key]
    fresh = {name: statement.excluded[name] for name in values if name not in (*keys, *keep)}
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh))


def _is_ours(error: Exception) -> bool:
    """Whether the database is there and refuses what we said."""
    return isinstance(error, ProgrammingError) or is_unfit(error)


def _insert(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
