"""Revocations of the whole deployment in Redis."""

from __future__ import annotations

from typing import Any

import msgspec

from livecommerce.adapters.redis_connection import Connection, served, tag_of
from livecommerce.revocation import LONGEST_TOKEN_MS, Revocation
from livecommerce.room.bus import DEPLOYMENT

_TAG = tag_of(DEPLOYMENT)


class RedisRevocations:
    """One sorted set for all; what concerns no token any more goes with the next revocation."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def revoke(self, revocation: Revocation) -> None:
        """Keeps a revocation and tells every gateway."""
        person, before_ms = revocation.person, revocation.before_ms
        oldest_ms, document = before_ms - LONGEST_TOKEN_MS, msgspec.json.encode(revocation)
        with served():
            await self._redis.fcall("revoke_v1", 1, _TAG, DEPLOYMENT, person, before_ms, oldest_ms, document)

    async def all(self) -> list[Revocation]:
        """Every revocation that may still concern a token."""
        with served():
            stored: Any = await self._redis.zrange(f"{_TAG}:revocations", 0, -1, withscores=True)
        return [Revocation(person=who.decode(), before_ms=int(when)) for who, when in stored]
