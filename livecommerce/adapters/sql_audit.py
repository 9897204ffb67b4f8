"""The audit trail in SQL."""

from __future__ import annotations

from msgspec.structs import asdict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_schema import audit
from livecommerce.adapters.sql_transactions import insert_new, reads, writes
from livecommerce.audit import AuditEntry


class SqlAudit:
    """Entries are added and read; there is no statement that changes one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def record(self, entry: AuditEntry) -> None:
        """Adds an entry; the same id twice counts once."""
        async with writes(self._engine) as connection:
            await insert_new(connection, audit, asdict(entry))

    async def of_subject(self, subject: str, limit: int = 100) -> list[AuditEntry]:
        """What was done to a subject, newest first."""
        query = (
            select(audit)
            .where(audit.c.subject == subject)
            .order_by(audit.c.at_ms.desc(), audit.c.id.desc())
            .limit(limit)
        )
        async with reads(self._engine) as connection:
            rows = await connection.execute(query)
            return [AuditEntry(**row) for row in rows.mappings()]
