"""What reconciling found, in SQL."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_schema import reconciliations
from livecommerce.adapters.sql_transactions import insert_new, reads, writes
from livecommerce.ledger.reconcile import Reconciliation


class SqlReconciliations:
    """One row a time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep(self, done: Reconciliation) -> None:
        """Writes one down."""
        row = {"at_ms": done.at_ms, "bill": done.bill, "orders": done.orders, "findings": done.findings}
        async with writes(self._engine) as connection:
            await insert_new(connection, reconciliations, row)

    async def last(self) -> Reconciliation | None:
        """The newest one; ``None`` if there was none yet."""
        query = select(reconciliations).order_by(reconciliations.c.at_ms.desc()).limit(1)
        async with reads(self._engine) as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        return Reconciliation(at_ms=row.at_ms, bill=row.bill, orders=row.orders, findings=row.findings)
