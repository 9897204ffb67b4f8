"""The SQL outbox: leased by relays, looked after by operators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_letters import is_untaken
from livecommerce.adapters.sql_schema import sql_outbox
from livecommerce.adapters.sql_transactions import reads, writes
from livecommerce.ledger.queue import DeadLetter, Letter, LetterState, QueueStatus, Told, Verdict

_box = sql_outbox.c
_FIRST_EVENT = "order.confirmed"
"""Nothing can have been told of an order before this."""


class SqlLedgerQueue:
    """Implements ``ledger.queue.LedgerQueue`` for relays and ``QueueDesk`` for operators."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def lease(self, worker: str, count: int, now_ms: int, lease_ms: int) -> Sequence[Letter]:
        """The next letters, at most one a key; a worker gets its own unfinished leases back."""
        async with writes(self._engine) as connection:
            rows = await connection.execute(
                update(sql_outbox)
                .where(_box.number.in_(_due(worker, count, now_ms)))
                .values(leased_by=worker, leased_until_ms=now_ms + lease_ms)
                .returning(
                    _box.number, _box.id, _box.key, _box.type, _box.at_ms, _box.attempts, _box.document
                )
            )
            leased = sorted(rows.all(), key=lambda row: int(row.number))
            earlier = await _earlier(connection, {row.key for row in leased if row.type != _FIRST_EVENT})
        return [
            Letter(
                number=row.number,
                id=row.id,
                key=row.key,
                at_ms=row.at_ms,
                attempts=row.attempts,
                told=(
                    *(told for number, told in earlier[row.key] if number < row.number),
                    Told(type=row.type, document=row.document),
                ),
            )
            for row in leased
        ]

    async def settle(self, worker: str, verdicts: Sequence[Verdict]) -> None:
        """Stores what became of letters."""
        if not verdicts:
            return
        statement = (
            update(sql_outbox)
            .where(_box.number == bindparam("letter"), _box.leased_by == worker)
            .values(
                state=bindparam("to_state"),
                attempts=bindparam("to_attempts"),
                next_ms=bindparam("to_next_ms"),
                error=bindparam("to_error"),
                leased_by=None,
                leased_until_ms=0,
            )
        )
        rows = [
            {
                "letter": verdict.number,
                "to_state": verdict.state.value,
                "to_attempts": verdict.attempts,
                "to_next_ms": verdict.next_ms,
                "to_error": verdict.error,
            }
            for verdict in verdicts
        ]
        async with writes(self._engine) as connection:
            await connection.execute(statement, rows)

    async def status(self) -> QueueStatus:
        """How many letters stand where."""
        async with reads(self._engine) as connection:
            rows = await connection.execute(
                select(_box.state, func.count(), func.min(_box.at_ms)).group_by(_box.state)
            )
            found = {row[0]: (row[1], row[2]) for row in rows}
        counts = {state.value: found.get(state, (0, None))[0] for state in LetterState}
        return QueueStatus(**counts, oldest_ms=found.get(LetterState.PENDING, (0, None))[1])

    async def dead_letters(self, limit: int) -> Sequence[DeadLetter]:
        """Letters that were refused, oldest first."""
        later = sql_outbox.alias()
        waiting = (
            select(func.count())
            .where(later.c.key == _box.key, later.c.number > _box.number, later.c.state == "pending")
            .scalar_subquery()
        )
        statement = (
            select(
                *(_box.id, _box.key, _box.type, _box.at_ms, _box.attempts, _box.error),
                waiting.label("waiting"),
                is_untaken().label("needs_repair"),
            )
            .where(_box.state == LetterState.DEAD)
            .order_by(_box.number)
            .limit(limit)
        )
        async with reads(self._engine) as connection:
            rows = await connection.execute(statement)
            return [DeadLetter(**{**row._mapping, "error": row.error or ""}) for row in rows]

    async def retry(self, ids: Sequence[str]) -> int:
        """Sends dead letters again; answers how many there were. Without ids: all that need no repair."""
        return await self._turn(LetterState.DEAD, LetterState.PENDING, and_(_those(ids), ~is_untaken()))

    async def drop(self, ids: Sequence[str]) -> int:
        """Gives dead letters up, so that later ones of their keys go on; answers how many there were."""
        return await self._turn(LetterState.DEAD, LetterState.DROPPED, _box.id.in_(ids))

    async def replay(self, from_ms: int) -> int:
        """Has everything applied since a time told again; ledgers answer ``duplicate``. Answers how many."""
        return await self._turn(LetterState.APPLIED, LetterState.PENDING, _box.at_ms >= from_ms)

    async def _turn(self, old: LetterState, new: LetterState, which: Any) -> int:
        async with writes(self._engine) as connection:
            result = await connection.execute(
                update(sql_outbox)
                .where(_box.state == old, which)
                .values(state=new.value, attempts=0, next_ms=0, leased_by=None, leased_until_ms=0)
            )
            return int(result.rowcount)


def _due(worker: str, count: int, now_ms: int) -> Select[tuple[int]]:
    before = sql_outbox.alias()
    unfinished = exists().where(
        before.c.key == _box.key,
        before.c.number < _box.number,
        before.c.state.in_([LetterState.PENDING, LetterState.DEAD]),
    )
    return (
        select(_box.number)
        .where(
            _box.state == LetterState.PENDING,
            _box.next_ms <= now_ms,
            or_(_box.leased_until_ms <= now_ms, _box.leased_by == worker),
            ~unfinished,
        )
        .order_by(_box.number)
        .limit(count)
        .with_for_update(skip_locked=True)  # PostgreSQL; SQLite has one writer anyway
    )


async def _earlier(connection: AsyncConnection, keys: set[str]) -> dict[str, list[tuple[int, Told]]]:
    """Everything told of some keys, with its number; what was dropped is as if it had never been told."""
    told: dict[str, list[tuple[int, Told]]] = defaultdict(list)
    if keys:
        rows = await connection.execute(
            select(_box.number, _box.key, _box.type, _box.document)
            .where(_box.key.in_(keys), _box.state != LetterState.DROPPED)
            .order_by(_box.number)
        )
        for row in rows:
            told[row.key].append((row.number, Told(type=row.type, document=row.document)))
    return told


def _those(ids: Sequence[str]) -> Any:
    return _box.id.in_(ids) if ids else and_(True)
