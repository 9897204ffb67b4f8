"""The ledger in a SQLite file: ``sqlite:path``. Each batch is on disk before it is answered."""

from __future__ import annotations

from livecommerce.adapters.ledger_sql import SqlLedger
from livecommerce.adapters.sql_connection import open_sql
from livecommerce.ledger.backend import LedgerBackend


async def open_sqlite(url: str) -> LedgerBackend:
    """Opens the ledger; the file and its folder are made where they are missing."""
    return await SqlLedger.open(open_sql(url))
