"""Facts that SQL could not take, taken after the cause was mended."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw
from sqlalchemy import delete, select, true, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_connection import is_unfit
from livecommerce.adapters.sql_letters import is_untaken
from livecommerce.adapters.sql_projection import write_facts
from livecommerce.adapters.sql_schema import sql_outbox
from livecommerce.adapters.sql_transactions import reads, writes
from livecommerce.fail_points import reach
from livecommerce.ledger.entries import BadHistory, entries_of
from livecommerce.ledger.facts import FACT_TYPES, UnknownFact, read_fact
from livecommerce.ledger.queue import LetterState
from livecommerce.orders import ConfirmedOrder
from livecommerce.outbox import OutboxRecord

log = logging.getLogger(__name__)

_box = sql_outbox.c


class SqlRepair:
    """Applies dead letters that are in no table but the queue; each in a transaction of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def untaken(self, ids: Sequence[str]) -> list[OutboxRecord]:
        """The facts among these letters, or among all, that SQL could not take, oldest first."""
        named = _box.id.in_(ids) if ids else true()
        query = select(sql_outbox).where(is_untaken(), named)
        async with reads(self._engine) as connection:
            rows = await connection.execute(query.order_by(_box.number))
            return [_record(row) for row in rows]

    async def apply(self, record: OutboxRecord) -> str:
        """Applies a fact and sends its letter; answers why it still cannot be taken, or an empty text."""
        try:
            _check(record)
            async with writes(self._engine) as connection:
                await write_facts(connection, [record])
                await _send(connection, record)
                reach("repair.before_commit")
        except (UnknownFact, BadHistory, msgspec.DecodeError) as error:
            return str(error)
        except (DBAPIError, OverflowError) as error:
            if not is_unfit(error):
                raise
            return f"the database refuses it: {type(error).__name__}"
        log.warning("fact %s was repaired", record.id)
        return ""


def _check(record: OutboxRecord) -> None:
    if record.type in FACT_TYPES:
        fact = read_fact(record.type, msgspec.json.decode(record.data))
        if isinstance(fact, ConfirmedOrder):
            if fact.order != record.key:
                raise UnknownFact(f"the letter is about {record.key}, not about {fact.order}")
            entries_of([fact])


async def _send(connection: AsyncConnection, record: OutboxRecord) -> None:
    """The letter as it would have been written at first; of what the ledger is not told there is none."""
    if record.type not in FACT_TYPES:
        await connection.execute(delete(sql_outbox).where(_box.id == record.id))
        return
    fresh: dict[str, Any] = {
        "document": msgspec.json.decode(record.data),
        "state": LetterState.PENDING.value,
        "attempts": 0,
        "next_ms": 0,
        "error": None,
    }
    await connection.execute(update(sql_outbox).where(_box.id == record.id).values(fresh))


def _record(row: Any) -> OutboxRecord:
    """The fact in a letter; one that was refused is kept there as text."""
    document = row.document
    data = document.encode() if isinstance(document, str) else msgspec.json.encode(document)
    room = document.get("room", "") if isinstance(document, dict) else _room_in(data)
    return OutboxRecord(
        position="",
        id=row.id,
        type=row.type,
        key=row.key,
        room=row.key if row.type.startswith("room.") else room,
        at_ms=row.at_ms,
        data=Raw(data),
    )


def _room_in(data: bytes) -> str:
    try:
        document = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return ""
    return str(document.get("room", "")) if isinstance(document, dict) else ""
