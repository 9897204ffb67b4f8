"""Connections whose commands can be cancelled.

Before Python 3.12, ``asyncio.wait_for`` forgets a cancellation that arrives in the same turn of the loop as
its result (python/cpython#86296), and redis-py sends each command inside one: a job that is told to end would
go on.
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


class _Cancellable(AbstractConnection):
    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        await super().send_packed_command(command, check_health)
        if task and task.cancelling() > before:
            await self.disconnect(nowait=True)  # its answer would be taken for the next command's
            raise asyncio.CancelledError


class _CancellableTcp(_Cancellable, Connection): ...


class _CancellableTls(_Cancellable, SSLConnection): ...


class _CancellableUnix(_Cancellable, UnixDomainSocketConnection): ...


_CANCELLABLE: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _CancellableTcp,
    SSLConnection: _CancellableTls,
    UnixDomainSocketConnection: _CancellableUnix,
}


def make_cancellable(pool: ConnectionPool) -> None:
    """Has the pool open connections that hear every cancellation."""
    pool.connection_class = _CANCELLABLE.get(pool.connection_class, pool.connection_class)
