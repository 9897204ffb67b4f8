"""Many rooms at a glance: what the lobby shows and the run of show needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.room.cards import RoomState


class Glance(Struct, frozen=True, kw_only=True):
    """One room as it is now."""

    state: RoomState
    viewers: int
    likes: int


class LiveRooms(Protocol):
    """Reads rooms without serving them."""

    async def look(self, rooms: Sequence[str]) -> dict[str, Glance]:
        """The rooms as they are now; those that have no live state are left out.

        Raises:
            Unavailable: the store is away.
        """
        ...
