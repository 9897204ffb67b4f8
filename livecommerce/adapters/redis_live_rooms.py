"""Rooms at a glance: one call a shard, all in one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from livecommerce.adapters.redis_connection import Connection, served, tag
from livecommerce.ids import Shard, shard_of
from livecommerce.room.cards import RoomState
from livecommerce.room.events import RoomEvent
from livecommerce.room.glance import Glance
from livecommerce.room.room import fold

_decode_state = msgspec.json.Decoder(RoomState).decode
_decode_event = msgspec.json.Decoder(RoomEvent).decode


class RedisLiveRooms:
    """Reads rooms without serving them."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def look(self, rooms: Sequence[str]) -> dict[str, Glance]:
        """The rooms as they are now; those that have no live state are left out."""
        shards = _by_shard(rooms)
        if not shards:
            return {}
        pipeline = self._redis.pipeline(transaction=False)
        for shard, members in shards.items():
            pipeline.fcall("room_look_v1", 1, tag(shard), *members)
        with served():
            answers = await pipeline.execute()
        return {
            room: _glance(*answer)
            for members, found in zip(shards.values(), answers, strict=True)
            for room, answer in zip(members, found, strict=True)
            if answer
        }


def _by_shard(rooms: Sequence[str]) -> dict[Shard, list[str]]:
    shards: dict[Shard, list[str]] = {}
    for room in rooms:
        shards.setdefault(shard_of(room), []).append(room)
    return shards


def _glance(state: bytes, events: list[Any], viewers: int, likes: int) -> Glance:
    folded = fold(_decode_state(state), (_decode_event(event) for event in events))
    return Glance(state=folded, viewers=viewers, likes=likes)
