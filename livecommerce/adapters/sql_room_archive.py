"""Rooms that are over, in SQL."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import to_builtins
from msgspec.structs import replace
from sqlalchemy import and_, distinct, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_schema import allocation_changes, journal, persons, room_archives, shows
from livecommerce.adapters.sql_transactions import insert_new, reads, writes
from livecommerce.ids import RoomId, new_id
from livecommerce.room.archive import ArchivedRoom
from livecommerce.room.cards import RoomState
from livecommerce.room.live import LoadedRoom
from livecommerce.room.plan import room_of
from livecommerce.schedule.show import Show
from livecommerce.share import NOTHING_SHARED, ShareFigures

_archived = room_archives.c


class SqlRoomArchive:
    """Implements ``worker.archive.Archive`` and ``room.archive.RoomArchive``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def due(self, ended_before_ms: int) -> list[RoomId]:
        """Rooms that ended before then and may still be in the live system, oldest first.

        None while it is not known whether a change of some sale's units was made: the sale itself has to tell
        that, and must still be there.
        """
        unknown = exists().where(
            allocation_changes.c.outcome.is_(None), allocation_changes.c.created_ms < ended_before_ms
        )
        ended = and_(shows.c.phase == "ended", shows.c.ended_ms <= ended_before_ms)
        query = (
            select(shows.c.room)
            .outerjoin(room_archives, _archived.room == shows.c.room)
            .where(ended, _archived.cleared_ms.is_(None), ~unknown)
            .order_by(shows.c.ended_ms)
        )
        async with reads(self._engine) as connection:
            return [RoomId(room) for room in await connection.scalars(query)]

    async def journal_has(self, room: RoomId, offset: int) -> bool:
        """Whether the journal has every event of a room up to its offset."""
        found = select(func.count(distinct(journal.c.position))).where(
            journal.c.room == room, journal.c.type.startswith("room."), journal.c.position.between(1, offset)
        )
        async with reads(self._engine) as connection:
            return await connection.scalar(found) == offset

    async def keep(self, archived: ArchivedRoom, at_ms: int) -> None:
        """Writes how a room ended; a later offset replaces an earlier one, never the other way round."""
        room, epoch, offset = archived.loaded.state.room, archived.loaded.epoch, archived.loaded.offset
        values = _values(archived, at_ms)
        earlier = and_(_archived.room == room, (_archived.epoch != epoch) | (_archived.offset < offset))
        async with writes(self._engine) as connection:
            if not await insert_new(connection, room_archives, {"room": room, **values}):
                await connection.execute(update(room_archives).where(earlier).values(values))

    async def keep_as_planned(self, room: RoomId, at_ms: int) -> None:
        """Writes what the schedule knows of a room whose live state was lost, unless it is archived."""
        name = select(persons.c.name).join(shows, shows.c.host == persons.c.person)
        async with writes(self._engine) as connection:
            planned = await connection.execute(select(shows).where(shows.c.room == room))
            show = Show(**planned.mappings().one())
            card = room_of(show, await connection.scalar(name.where(shows.c.room == room)) or "")
            state = replace(card, phase="ended", started_ms=show.started_ms, ended_ms=show.ended_ms)
            archived = ArchivedRoom(loaded=LoadedRoom(new_id(), 0, state), likes=0, sharing=NOTHING_SHARED)
            await insert_new(connection, room_archives, {"room": room, **_values(archived, at_ms)})

    async def note_cleared(self, room: RoomId, at_ms: int) -> None:
        """The live system has nothing of the room any more."""
        noted = update(room_archives).where(_archived.room == room).values(cleared_ms=at_ms)
        async with writes(self._engine) as connection:
            await connection.execute(noted)

    async def find(self, room: str) -> ArchivedRoom | None:
        """How a room ended; ``None`` if it is not archived."""
        async with reads(self._engine) as connection:
            row = (
                await connection.execute(select(room_archives).where(_archived.room == room))
            ).one_or_none()
        if row is None:
            return None
        return ArchivedRoom(
            loaded=LoadedRoom(row.epoch, row.offset, msgspec.convert(row.state, RoomState)),
            likes=row.likes,
            sharing=msgspec.convert(row.sharing, ShareFigures, strict=False),
        )


def _values(archived: ArchivedRoom, at_ms: int) -> dict[str, Any]:
    return {
        "epoch": archived.loaded.epoch,
        "offset": archived.loaded.offset,
        "state": to_builtins(archived.loaded.state),
        "likes": archived.likes,
        "sharing": to_builtins(archived.sharing, str_keys=True),
        "archived_ms": at_ms,
    }
