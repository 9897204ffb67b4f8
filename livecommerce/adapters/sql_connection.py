"""Connections to SQL: a SQLite file by default, PostgreSQL for more than one machine.

``engine.begin()`` writes: on SQLite it takes the write lock at once, so that a transaction which reads first
can never fail halfway. ``reading(engine)`` reads one consistent state and blocks no writer. The caller of
``open_sql`` closes the engine (``await engine.dispose()``).
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

try:
    from asyncpg import InterfaceError, PostgresError  # type: ignore[import-untyped]
except ImportError:  # SQLite alone
    _UNWRAPPED: tuple[type[Exception], ...] = ()
else:
    _UNWRAPPED = (InterfaceError, PostgresError)
"""What PostgreSQL's driver raises where a connection ends while SQLAlchemy still prepares it."""

AWAY: tuple[type[Exception], ...] = (DBAPIError, OSError, *_UNWRAPPED)
"""What is raised while the database cannot be reached; an unfinished transaction left nothing behind."""

_UNFIT = ("22", "23")
"""SQLSTATE classes of data exceptions and of broken constraints."""

_BUSY_TIMEOUT_MS = 30_000
_WAL_ATTEMPTS = 300
_MIGRATION_LOCK = 7_203_561_190_143_224_065
"""Key of the advisory lock that lets one process migrate at a time on PostgreSQL."""


def open_sql(url: str, *, max_connections: int = 8) -> AsyncEngine:
    """An engine for an address; nothing is opened until its first use.

    ``sqlite:path`` and ``postgresql://…`` are understood as well as SQLAlchemy's own forms.
    """
    address = _async_url(url)
    if address.get_backend_name() != "sqlite":
        return create_async_engine(
            address, pool_pre_ping=True, pool_size=max_connections, **_json_documents()
        )
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(address, pool_size=max_connections, **_json_documents())
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that only reads."""
    async with engine.execution_options(sqlite_begin="DEFERRED").connect() as connection:
        yield connection


def sqlite_file(url: str) -> Path | None:
    """The file behind an address; ``None`` where there is none."""
    address = _async_url(url)
    is_file = address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:")
    return Path(str(address.database)) if is_file else None


def is_unfit(error: BaseException) -> bool:
    """Whether the database is there and refuses these values, so that repeating them is in vain."""
    if isinstance(error, (IntegrityError, DataError, OverflowError)):
        return True
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return isinstance(state, str) and state.startswith(_UNFIT)


async def migrate(url: str) -> None:
    """Brings the database to the newest schema; processes that start together take turns."""
    engine = open_sql(url)
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def migration_config(connection: Connection) -> Config:
    """Alembic's configuration for the migrations inside this package."""
    config = Config()
    config.set_main_option("script_location", "livecommerce.adapters:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    command.upgrade(migration_config(connection), "head")


def _async_url(url: str) -> URL:
    if url.startswith("sqlite:") and not url.startswith("sqlite://"):
        url = f"sqlite:///{url.removeprefix('sqlite:')}"
    address = make_url(url)
    driver = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+asyncpg",
        "postgres": "postgresql+asyncpg",
    }
    return address.set(drivername=driver.get(address.drivername, address.drivername))


def _json_documents() -> dict[str, Any]:
    return {"json_serializer": lambda value: orjson.dumps(value).decode(), "json_deserializer": orjson.loads}


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin by itself; see _begin_sqlite
    cursor = connection.cursor()
    _turn_on_write_ahead_log(cursor)
    for pragma in (f"busy_timeout = {_BUSY_TIMEOUT_MS}", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _turn_on_write_ahead_log(cursor: Any) -> None:
    """The file remembers it; two that turn it on at once each hold what the other waits for, so back off."""
    for _ in range(_WAL_ATTEMPTS):
        try:
            cursor.execute(f"PRAGMA busy_timeout = {secrets.randbelow(200)}")
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            continue
        return
    raise TimeoutError("the database file stayed locked")


def _begin_sqlite(connection: Connection) -> None:
    how = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {how}")
