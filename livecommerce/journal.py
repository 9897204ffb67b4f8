"""The journal: everything that happened in a show, kept in SQL after the live system has forgotten it."""

from __future__ import annotations

from msgspec import Raw, Struct

from livecommerce.outbox import OutboxRecord


class JournalRow(Struct, frozen=True, kw_only=True):
    """One event; rows of a room are ordered by ``at_ms`` and ``position``."""

    id: str
    room: str
    position: int
    """Offset in the room's log for control events, 0 for all others."""
    at_ms: int
    type: str
    payload: Raw
    """The event as it left the live system, JSON."""
    v: int = 1


def journal_row(record: OutboxRecord) -> JournalRow:
    """A fact as a row of the journal."""
    offset = record.id.rpartition(":")[2] if record.type.startswith("room.") else "0"
    return JournalRow(
        id=record.id,
        room=record.room,
        position=int(offset),
        at_ms=record.at_ms,
        type=record.type,
        payload=record.data,
    )
