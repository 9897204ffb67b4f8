"""A room's share tree in Redis; every method is one function call."""

from __future__ import annotations

from typing import Any

from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_functions import Argument, call
from livecommerce.ids import GrantId, RoomId, shard_of
from livecommerce.share import Place, ShareFigures, Visit


class RedisShares:
    """Fingerprints only: nothing here tells who shared with whom to somebody without the key."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def remember_device(self, room: RoomId, person: str, device: str) -> None:
        """The first who uses a device in a room owns it there."""
        await self._call("share_device_v1", room, person, device)

    async def place(self, room: RoomId, sharer: str, device: str, at_ms: int) -> Place:
        """Where somebody who shares stands; who came through no link becomes a root."""
        parent, root, depth, shared_ms, reward = await self._call(
            "share_place_v1", room, sharer, device, at_ms
        )
        return Place(parent.decode(), root.decode(), depth, shared_ms, reward.decode())

    async def keep_reward(self, room: RoomId, sharer: str, reward: GrantId) -> None:
        """Keeps the coupon that a sharer's friends unlock."""
        await self._call("share_reward_v1", room, sharer, reward)

    async def touch(self, visit: Visit) -> str:
        """Notes an arrival: ``arrived``, or why it will not count."""
        share = visit.share
        verdict: bytes = await self._call(
            "share_touch_v1",
            share.room,
            visit.visitor,
            visit.device,
            visit.at_ms,
            share.sharer,
            share.parent,
            share.root,
            share.depth,
            share.issued_ms,
        )
        return verdict.decode()

    async def verify(self, visit: Visit, stay_ms: int, levels: int) -> tuple[str, list[str]]:
        """``verified`` and the rewards of so many levels above the visitor, nearest first, or why not."""
        verdict, *rewards = await self._call(
            "share_verify_v1",
            visit.share.room,
            visit.visitor,
            visit.device,
            visit.at_ms,
            visit.share.sharer,
            stay_ms,
            levels,
        )
        return verdict.decode(), [reward.decode() for reward in rewards]

    async def count(self, room: RoomId, visitor: str) -> bool:
        """Marks a visit as counted; answers whether it was not before."""
        return bool(await self._call("share_count_v1", room, visitor))

    async def figures(self, room: RoomId) -> ShareFigures:
        """How far the room has travelled."""
        flat = await self._call("share_figures_v1", room)
        pairs = flat.items() if isinstance(flat, dict) else zip(flat[::2], flat[1::2], strict=True)
        counters = {name.decode(): int(value) for name, value in pairs}
        return ShareFigures(
            sharers=counters.get("sharers", 0),
            visits=counters.get("visits", 0),
            verified=counters.get("verified", 0),
            refused=_named(counters, "refused:"),
            depths={int(level): people for level, people in _named(counters, "depth:").items()},
        )

    async def _call(self, function: str, room: RoomId, *args: Argument) -> Any:
        return await call(self._redis, shard_of(room), function, room, *args)


def _named(counters: dict[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): n for name, n in counters.items() if name.startswith(prefix)}
