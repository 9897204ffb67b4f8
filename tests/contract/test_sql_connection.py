"""The schema and its history, and what a transaction promises, on both databases."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_connection import migrate, open_sql, reading
from livecommerce.adapters.sql_schema import deployment, metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'here.sqlite'}"
    address: str = request.getfixturevalue("postgres_url")
    return address


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def test_migrations_build_exactly_the_tables_of_the_schema(url: str) -> None:
    await migrate(url)
    engine = open_sql(url)
    async with engine.begin() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_processes_that_migrate_together_take_turns(url: str) -> None:
    script = "import sys, asyncio; from livecommerce.adapters.sql_connection import migrate;"
    command = (sys.executable, "-c", script + "asyncio.run(migrate(sys.argv[1]))", url)
    processes = [await asyncio.create_subprocess_exec(*command) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]


async def test_many_open_a_new_file_at_once(tmp_path: Path) -> None:
    engine = open_sql(f"sqlite:{tmp_path / 'here.sqlite'}")
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(look(engine))
    await engine.dispose()


async def look(engine: AsyncEngine) -> None:
    async with reading(engine) as connection:
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"


async def test_a_transaction_that_reads_before_it_writes_loses_no_update(url: str) -> None:
    await migrate(url)
    engine = open_sql(url)
    async with engine.begin() as connection:
        await connection.execute(insert(deployment).values(name="n", value="0"))
    await asyncio.gather(*(count_one_more(engine) for _ in range(20)))
    async with reading(engine) as connection:
        assert await connection.scalar(select(deployment.c.value)) == "20"
    await engine.dispose()


async def count_one_more(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        value = (await connection.execute(select(deployment.c.value).with_for_update())).scalar_one()
        await connection.execute(update(deployment).values(value=str(int(value) + 1)))


async def test_sqlite_keeps_what_it_acknowledged_and_checks_references(tmp_path: Path) -> None:
    engine = open_sql(f"sqlite:{tmp_path / 'here.sqlite'}")
    async with reading(engine) as connection:
        found = [await connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")]
        assert found == ["wal", 2]
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
    await engine.dispose()
