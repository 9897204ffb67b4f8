"""Writes the next migration: ``python -m livecommerce.adapters.migrations "What it changes"``.

Compares the tables in ``sql_schema`` with a fresh, fully migrated database. Read what it writes before
committing it: a renamed column looks like a lost and a new one.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import Connection

from livecommerce.adapters.sql_connection import migrate, migration_config, open_sql


def main() -> None:
    """Takes the message from the command line."""
    parser = argparse.ArgumentParser(description="Write the next migration from what changed in the tables.")
    parser.add_argument("message")
    asyncio.run(_write(parser.parse_args().message))


async def _write(message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:{folder}/fresh.sqlite"
        await migrate(url)
        engine = open_sql(url)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(_write_revision, message)
        finally:
            await engine.dispose()


def _write_revision(connection: Connection, message: str) -> None:
    config = migration_config(connection)
    folder = Path(__file__).parent
    config.set_main_option("script_location", str(folder))
    number = len(list((folder / "versions").glob("[0-9]*.py"))) + 1
    command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")


if __name__ == "__main__":
    main()
