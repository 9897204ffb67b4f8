"""Connections that wait in a pool: cancelled when told to, and never used when their server has gone.

Before Python 3.12, ``asyncio.wait_for`` forgets a cancellation that arrives in the same turn of the loop as
its result (python/cpython#86296), and redis-py sends each command inside one: a job that is told to end would
go on. And redis-py sees that a waiting connection was closed, but not that it was reset: each of them would
cost somebody a command after the server's return.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    ConnectionPool,
    SSLConnection,
    UnixDomainSocketConnection,
)


class _Pooled(AbstractConnection):
    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        await super().send_packed_command(command, check_health)
        if task and task.cancelling() > before:
            await self.disconnect(nowait=True)  # its answer would be taken for the next command's
            raise asyncio.CancelledError

    async def can_read(self) -> bool:
        """Whether there is something, or the end, where nothing is awaited: the pool connects again then."""
        reader: asyncio.StreamReader | None = self._reader
        return (reader is not None and reader.exception() is not None) or await super().can_read()


class _PooledTcp(_Pooled, Connection): ...


class _PooledTls(_Pooled, SSLConnection): ...


class _PooledUnix(_Pooled, UnixDomainSocketConnection): ...


_POOLED: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _PooledTcp,
    SSLConnection: _PooledTls,
    UnixDomainSocketConnection: _PooledUnix,
}


def use_pooled(pool: ConnectionPool) -> None:
    """Has the pool open such connections."""
    pool.connection_class = _POOLED.get(pool.connection_class, pool.connection_class)
