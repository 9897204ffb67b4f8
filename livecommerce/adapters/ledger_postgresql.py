"""The ledger in a PostgreSQL database: ``postgresql://user@host/database``.

Each batch is committed before it is answered. Its tables begin with ``ledger_``; they may stand in a database
of their own, or beside the shop's.
"""

from __future__ import annotations

from livecommerce.adapters.ledger_sql import SqlLedger
from livecommerce.adapters.sql_connection import open_sql
from livecommerce.ledger.backend import LedgerBackend


async def open_postgresql(url: str) -> LedgerBackend:
    """Opens the ledger; its tables are made where they are missing."""
    return await SqlLedger.open(open_sql(url))
