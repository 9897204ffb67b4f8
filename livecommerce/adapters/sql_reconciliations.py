"""What reconciling found, and who waits for it, in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_schema import reconciliation_requests, reconciliations
from livecommerce.adapters.sql_transactions import insert_new, reads, writes
from livecommerce.ledger.reconcile import Reconciliation, ReconciliationRequest

LEASE_MS = 15 * 60_000
"""After this long a worker that is at it counts as gone."""


class SqlReconciliations:
    """One row a time, and one request at a time."""

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

    async def request(self, now_ms: int) -> ReconciliationRequest:
        """Asks for one; where somebody has asked already, it is theirs."""
        fresh = {"requested_ms": now_ms, "taken_ms": None, "error": ""}
        table = reconciliation_requests
        while True:
            async with writes(self._engine) as connection:
                if not await insert_new(connection, table, {"one": 1, **fresh}):
                    await connection.execute(update(table).where(table.c.error != "").values(fresh))
                found = await _request(connection)
            if found is not None:  # else the one that was under way has just ended
                return found

    async def requested(self) -> ReconciliationRequest | None:
        """What is asked for, is being done or has failed; ``None`` where nothing is."""
        async with reads(self._engine) as connection:
            return await _request(connection)

    async def take(self, now_ms: int) -> ReconciliationRequest | None:
        """The request, for the one worker that gets it; a worker that died holds it for a while."""
        asked = await self.requested()
        if asked is None or asked.error or (asked.taken_ms or 0) > now_ms - LEASE_MS:
            return None
        table = reconciliation_requests
        free = or_(table.c.taken_ms.is_(None), table.c.taken_ms <= now_ms - LEASE_MS)
        mine = (
            update(table)
            .where(table.c.requested_ms == asked.requested_ms, table.c.error == "", free)
            .values(taken_ms=now_ms)
        )
        async with writes(self._engine) as connection:
            taken = (await connection.execute(mine)).rowcount == 1
        return asked if taken else None

    async def finish(self, request: ReconciliationRequest, error: str = "") -> None:
        """It is done, or could not be; a request that came after it is left alone."""
        table = reconciliation_requests
        this = table.c.requested_ms == request.requested_ms
        async with writes(self._engine) as connection:
            ended = (
                update(table).where(this).values(error=error[:200]) if error else delete(table).where(this)
            )
            await connection.execute(ended)


async def _request(connection: AsyncConnection) -> ReconciliationRequest | None:
    row: Row[Any] | None = (await connection.execute(select(reconciliation_requests))).one_or_none()
    if row is None:
        return None
    return ReconciliationRequest(requested_ms=row.requested_ms, taken_ms=row.taken_ms, error=row.error)
