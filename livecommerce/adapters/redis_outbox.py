"""The outbox as Redis streams, one a shard, read by consumer groups."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from msgspec import Raw
from redis.exceptions import ResponseError

from livecommerce.adapters.redis_connection import AWAY, Connection, tag
from livecommerce.adapters.redis_functions import call
from livecommerce.errors import Unavailable
from livecommerce.ids import Shard
from livecommerce.outbox import OutboxLag, OutboxRecord


class RedisOutbox:
    """Implements ``outbox.Outbox`` for one member of a group; one task reads a shard at a time.

    A record that was read and not acknowledged is read again: by this member at its next read, by another
    once it lay idle for ``idle_ms``, which must be longer than the slowest transaction that applies a batch.
    """

    def __init__(self, redis: Connection, group: str, member: str, *, idle_ms: int = 15_000) -> None:
        self._redis = redis
        self._group = group
        self._member = member
        self._idle_ms = idle_ms
        self._owed: dict[Shard, set[str]] = {}
        """Shard → positions read but not acknowledged; a shard is missing until its group surely exists."""
        self._reclaimed: dict[Shard, float] = {}

    async def read(self, shard: Shard, count: int, wait_ms: int) -> Sequence[OutboxRecord]:
        """The next records: first our own unfinished ones, then those of dead members, then new ones.

        Raises:
            Unavailable: Redis is away; nothing is lost, what was handed out is read again.
        """
        try:
            return await self._read(shard, count, wait_ms)
        except AWAY as error:
            self._owed.pop(shard, None)
            raise Unavailable("redis_away") from error
        except ResponseError as error:
            self._owed.pop(shard, None)  # NOGROUP after a server was replaced: made anew at the next read
            raise Unavailable("outbox_unreadable") from error

    async def acknowledge(self, shard: Shard, positions: Sequence[str]) -> None:
        """Marks records as applied, and lets go of what no group needs any more.

        Raises:
            Unavailable: the outcome is unknown; the records may be read again.
        """
        if not positions:
            return
        await call(self._redis, shard, "outbox_acknowledge_v1", self._group, *positions)
        self._owed.get(shard, set()).difference_update(positions)

    async def lag(self, shard: Shard) -> OutboxLag:
        """What readers still have before them.

        Raises:
            Unavailable: Redis is away.
        """
        length, oldest_ms = await call(self._redis, shard, "outbox_lag_v1")
        return OutboxLag(length=length, oldest_ms=oldest_ms or None)

    async def _read(self, shard: Shard, count: int, wait_ms: int) -> list[OutboxRecord]:
        if shard not in self._owed:
            await self._join(shard)
        unfinished = self._owed.get(shard) != set()
        records = await self._fetch(shard, "0", count, None) if unfinished else []
        records = (
            records or await self._reclaim(shard, count) or await self._fetch(shard, ">", count, wait_ms)
        )
        self._owed[shard] = {record.position for record in records}
        return records

    async def _join(self, shard: Shard) -> None:
        try:
            await self._redis.xgroup_create(_stream(shard), self._group, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _fetch(self, shard: Shard, after: str, count: int, wait_ms: int | None) -> list[OutboxRecord]:
        answer: Any = await self._redis.xreadgroup(
            self._group, self._member, {_stream(shard): after}, count=count, block=wait_ms
        )
        return [
            _record(entry)
            for pages in (answer or {}).values()
            for page in pages
            for entry in page
            if entry[1]
        ]

    async def _reclaim(self, shard: Shard, count: int) -> list[OutboxRecord]:
        """Takes over what dead members left; asked for twice in each idle time."""
        now = time.monotonic()
        if now - self._reclaimed.get(shard, float("-inf")) < self._idle_ms / 2000:
            return []
        self._reclaimed[shard] = now
        answer: Any = await self._redis.xautoclaim(
            _stream(shard), self._group, self._member, min_idle_time=self._idle_ms, count=count
        )
        return [_record(entry) for entry in answer[1] if entry[1]]


def _stream(shard: Shard) -> str:
    return f"{tag(shard)}:outbox"


def _record(entry: Any) -> OutboxRecord:
    position, fields = entry
    return OutboxRecord(
        position=position.decode(),
        id=fields[b"id"].decode(),
        type=fields[b"type"].decode(),
        key=fields[b"key"].decode(),
        room=fields[b"room"].decode(),
        at_ms=int(fields[b"at_ms"]),
        data=Raw(fields[b"data"]),
    )
