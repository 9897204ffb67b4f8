"""The room store with the rooms that are over: what the live system has forgotten is shown as it ended."""

from __future__ import annotations

from collections.abc import Sequence

from livecommerce.errors import Conflict, NotFound
from livecommerce.room.archive import RoomArchive
from livecommerce.room.cards import RoomState
from livecommerce.room.events import RoomEvent
from livecommerce.room.live import LoadedRoom, RoomStore


class LastingRooms:
    """Implements ``room.live.RoomStore``; an archived room can be seen, and nothing happens in it."""

    def __init__(self, rooms: RoomStore, archive: RoomArchive) -> None:
        self._rooms = rooms
        self._archive = archive

    async def create(self, state: RoomState) -> None:
        """Creates a room, unless it is there or is over."""
        if await self._archive.find(state.room) is None:
            await self._rooms.create(state)

    async def load(self, room: str) -> LoadedRoom:
        """The room's current state, or the one in which it ended."""
        try:
            return await self._rooms.load(room)
        except NotFound:
            archived = await self._archive.find(room)
            if archived is None:
                raise
            return archived.loaded

    async def events_after(self, room: str, epoch: str, offset: int) -> Sequence[RoomEvent] | None:
        """The log from the next offset on; a room that is over has none."""
        return await self._rooms.events_after(room, epoch, offset)

    async def append(
        self,
        room: str,
        operation: str,
        epoch: str,
        expected_offset: int,
        events: Sequence[RoomEvent],
        state: RoomState,
    ) -> int:
        """Appends events.

        Raises:
            Conflict: ``show_ended``: the room is over.
        """
        try:
            return await self._rooms.append(room, operation, epoch, expected_offset, events, state)
        except NotFound as error:
            if await self._archive.find(room) is None:
                raise
            raise Conflict("show_ended") from error

    async def renew(self, room: str, epoch: str) -> None:
        """Begins a new epoch, unless somebody has begun one since the given."""
        await self._rooms.renew(room, epoch)
