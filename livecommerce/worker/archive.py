"""Puts rooms away that have been over for a while: SQL keeps how they ended, the live system forgets them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace

from livecommerce.clock import Clock
from livecommerce.errors import Conflict, NotFound
from livecommerce.fail_points import reach
from livecommerce.ids import RoomId
from livecommerce.room.archive import ArchivedRoom
from livecommerce.room.live import LoadedRoom, Stale
from livecommerce.share import ShareFigures
from livecommerce.worker.backoff import step_every

IDLE_SECONDS = 60.0
STEP = 200
"""Things of a room that one call removes, so that no other call waits long for it."""

log = logging.getLogger(__name__)


class JournalBehind(Exception):
    """Some of a room's events are not in SQL yet."""


class Archive(Protocol):
    """What SQL knows of rooms that are over."""

    async def due(self, ended_before_ms: int) -> Sequence[RoomId]:
        """Rooms that ended before then and are still in the live system, or may be; oldest first."""
        ...

    async def journal_has(self, room: RoomId, offset: int) -> bool:
        """Whether the journal has every event of a room up to its offset."""
        ...

    async def keep(self, archived: ArchivedRoom, at_ms: int) -> None:
        """Writes how a room ended; a later offset replaces an earlier one, never the other way round."""
        ...

    async def keep_as_planned(self, room: RoomId, at_ms: int) -> None:
        """Writes what the schedule knows of a room whose live state was lost, unless it is archived."""
        ...

    async def note_cleared(self, room: RoomId, at_ms: int) -> None:
        """The live system has nothing of the room any more."""
        ...


class LiveRemains(Protocol):
    """What the live system has of rooms that are over."""

    async def likes_at_rest(self, room: RoomId) -> int:
        """The hearts of a room that nothing will change any more.

        Raises:
            Conflict: it is not at rest: ``sale_open``, ``holds_open`` or ``on_its_way``.
            NotFound: it is not there.
        """
        ...

    async def take_off(self, room: RoomId, epoch: str, offset: int) -> None:
        """Removes the room itself, if it is at rest and as it was read; nothing can happen in it afterwards.

        Raises:
            Conflict: it is not at rest.
            Stale: it is not as it was read.
        """
        ...

    async def clear(self, room: RoomId, count: int) -> int:
        """Removes some of what a room left that was taken off; answers how much, 0 at the end."""
        ...


class LoadRoom(Protocol):
    """Reads rooms."""

    async def load(self, room: str) -> LoadedRoom:
        """The room's current state."""
        ...


class CountShares(Protocol):
    """Reads how far rooms have travelled."""

    async def figures(self, room: RoomId) -> ShareFigures:
        """Every counter of one room."""
        ...


class Archivist:
    """Archives rooms; several workers may do so at once.

    The order of steps makes a kill between any two harmless. SQL has the room's end before the live system
    forgets anything; the room is taken off only as it was written down; what is left over is removed by steps
    that may be repeated, until SQL has noted that there is nothing more.
    """

    def __init__(
        self,
        archive: Archive,
        remains: LiveRemains,
        rooms: LoadRoom,
        shares: CountShares,
        clock: Clock,
        *,
        after_ms: int,
        step: int = STEP,
    ) -> None:
        self._archive = archive
        self._remains = remains
        self._rooms = rooms
        self._shares = shares
        self._clock = clock
        self._after_ms = after_ms
        self._count = step

    async def run(self) -> None:
        """Looks every minute until it is cancelled."""
        await step_every(IDLE_SECONDS, self.step, log, "rooms that are over wait")

    async def step(self) -> int:
        """Looks once; answers how many rooms were put away."""
        due = await self._archive.due(self._clock() - self._after_ms)
        return sum([await self._put_away(room) for room in due])

    async def _put_away(self, room: RoomId) -> bool:
        try:
            await self._write_down(room)
        except (Conflict, Stale, JournalBehind) as reason:
            log.info("room %s stays: %s", room, reason)
            return False
        while await self._remains.clear(room, self._count):
            reach("archive.after_clear")
        await self._archive.note_cleared(room, self._clock())
        reach("archive.after_note")
        return True

    async def _write_down(self, room: RoomId) -> None:
        """Has SQL keep the room's end, and takes the room off; one that is off already stays so."""
        try:
            likes = await self._remains.likes_at_rest(room)
            loaded = await self._rooms.load(room)
        except NotFound:
            await self._archive.keep_as_planned(room, self._clock())
            return
        if not await self._archive.journal_has(room, loaded.offset):
            raise JournalBehind(f"its journal does not reach {loaded.offset}")
        archived = ArchivedRoom(
            loaded=replace(loaded, history=()), likes=likes, sharing=await self._shares.figures(room)
        )
        await self._archive.keep(archived, self._clock())
        reach("archive.after_row")
        await self._remains.take_off(room, loaded.epoch, loaded.offset)
        reach("archive.after_take_off")
