"""Which pictures were reported lately, in Redis: keys that its own clock lets go."""

from __future__ import annotations

from collections.abc import Collection

from livecommerce.adapters.redis_connection import Connection, served, tag_of
from livecommerce.room.bus import DEPLOYMENT
from livecommerce.room.pictures import HEARD_SECONDS

_LISTENING = f"{tag_of(DEPLOYMENT)}:pictures_heard"


class RedisPictures:
    """One key per picture."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def heard(self, room: str, stream: str) -> None:
        """Keeps that it was reported."""
        with served():
            await self._redis.set(_key(room, stream), b"1", ex=HEARD_SECONDS)

    async def listen(self) -> None:
        """Keeps that a gateway is there."""
        with served():
            await self._redis.set(_LISTENING, b"1", ex=HEARD_SECONDS)

    async def are_heard(self) -> bool:
        """Whether that is still kept."""
        with served():
            return await self._redis.get(_LISTENING) is not None

    async def silent(self, room: str, streams: Collection[str]) -> set[str]:
        """Those whose key is gone."""
        asked = list(streams)
        with served():
            found = await self._redis.mget([_key(room, stream) for stream in asked]) if asked else []
        return {stream for stream, value in zip(asked, found, strict=True) if value is None}


def _key(room: str, stream: str) -> str:
    return f"{tag_of(room)}:picture:{room}:{stream}"
