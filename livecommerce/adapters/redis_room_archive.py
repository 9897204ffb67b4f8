"""What Redis has of rooms that are over."""

from __future__ import annotations

from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_functions import ask, call
from livecommerce.ids import RoomId, shard_of


class RedisRemains:
    """Implements ``worker.archive.LiveRemains``; every method is one function call."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def likes_at_rest(self, room: RoomId) -> int:
        """The hearts of a room that nothing will change any more."""
        likes: int = (await ask(self._redis, "room_rest_v1", room))[0]
        return likes

    async def take_off(self, room: RoomId, epoch: str, offset: int) -> None:
        """Removes the room itself, if it is at rest and as it was read."""
        await ask(self._redis, "room_archive_v1", room, epoch, offset)

    async def clear(self, room: RoomId, count: int) -> int:
        """Removes some of what a room left; answers how much."""
        removed: int = await call(self._redis, shard_of(room), "room_clear_v1", room, count)
        return removed
