"""The last comments of a room in Redis, for gateways that come late; best effort, like their lane."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from livecommerce.adapters.redis_connection import Connection, served, tag_of
from livecommerce.room.cards import CommentLine

KEPT_SECONDS = 24 * 3600

_decode = msgspec.json.Decoder(CommentLine).decode


class RedisComments:
    """A short list per room, newest last."""

    def __init__(self, redis: Connection, kept: int) -> None:
        self._redis = redis
        self._kept = kept

    async def remember(self, room: str, comments: Sequence[CommentLine]) -> None:
        """Adds comments; the oldest make place."""
        key = _key(room)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.rpush(key, *(msgspec.json.encode(comment) for comment in comments))
        pipeline.ltrim(key, -self._kept, -1)
        pipeline.expire(key, KEPT_SECONDS)
        with served():
            await pipeline.execute()

    async def recent(self, room: str) -> list[CommentLine]:
        """The last comments, oldest first."""
        with served():
            return [_decode(comment) for comment in await self._redis.lrange(_key(room), 0, -1)]


def _key(room: str) -> str:
    return f"{tag_of(room)}:comments:{room}"
