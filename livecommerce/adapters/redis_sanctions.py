"""Sanctions of rooms in Redis."""

from __future__ import annotations

import msgspec

from livecommerce.adapters.redis_connection import Connection, served, tag_of
from livecommerce.room.sanctions import Sanction

_decode = msgspec.json.Decoder(Sanction).decode
_VERSION = b"v"


class RedisSanctions:
    """One hash per room; what is over stays in it until it is replaced or the room goes."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def impose(self, room: str, sanction: Sanction) -> None:
        """Keeps or lifts a sanction and tells every gateway that serves the room."""
        fields = msgspec.to_builtins(sanction)
        del fields["v"]
        kind, person, until_ms = sanction.kind, sanction.person, sanction.until_ms
        document = msgspec.json.encode(fields)
        with served():
            await self._redis.fcall("sanction_v1", 1, tag_of(room), room, kind, person, until_ms, document)

    async def of_room(self, room: str) -> tuple[int, list[Sanction]]:
        """The room's version and its sanctions."""
        with served():
            stored = await self._redis.hgetall(f"{tag_of(room)}:sanctions:{room}")
        version = int(stored.pop(_VERSION, b"0"))
        return version, [_decode(document) for document in stored.values()]
