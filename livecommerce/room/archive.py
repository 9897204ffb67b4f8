"""Rooms that are over, as SQL keeps them once the live system has forgotten them."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from livecommerce.room.live import LoadedRoom
from livecommerce.share import ShareFigures


class ArchivedRoom(Struct, frozen=True, kw_only=True):
    """How a room ended."""

    loaded: LoadedRoom
    """Without its history, which is in the journal."""
    likes: int
    sharing: ShareFigures


class RoomArchive(Protocol):
    """Where ended rooms can be looked up."""

    async def find(self, room: str) -> ArchivedRoom | None:
        """How a room ended; ``None`` if it is not archived.

        Raises:
            Unavailable: SQL is away.
        """
        ...
