"""One Redis or Valkey server as our drivers talk to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AskError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from livecommerce.adapters.redis_pooled import use_pooled
from livecommerce.errors import Unavailable
from livecommerce.ids import Shard, shard_of

log = logging.getLogger(__name__)

AWAY = (RedisConnectionError, RedisTimeoutError, OSError)
"""What is raised while the server cannot be reached, or its answer is lost: outcome unknown."""

_CANNOT_SERVE = (AskError, OutOfMemoryError, ReadOnlyError, ClusterDownError, TryAgainError)
_CANNOT_SERVE_CODES = ("MISCONF ", "NOREPLICAS ")
"""Refusals of the server's that the client library has no class for."""


class _Arrivals:
    """Greets a server on each new connection, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    async def greet(self, connection: AbstractConnection) -> None:
        await connection.on_connect()
        self.count += 1


class Connection(Redis):
    """One server. Commands are never repeated by the client: a lost answer may have been a success."""

    _arrivals: _Arrivals

    @classmethod
    def over(cls, pool: BlockingConnectionPool) -> Self:
        """A client that owns a pool and closes it (``aclose``); nothing is sent until its first use."""
        use_pooled(pool)
        client: Self = cls.from_pool(pool)  # type: ignore[assignment]
        client._arrivals = _Arrivals()
        pool.connection_kwargs["redis_connect_func"] = client._arrivals.greet
        return client

    @property
    def opened(self) -> int:
        """Connections made so far; behind a new one the server may have come back as another."""
        return self._arrivals.count

    @property
    def address(self) -> str:
        """Where it is, for messages to operators."""
        where: dict[str, Any] = self.connection_pool.connection_kwargs
        return str(where.get("path") or f"{where.get('host')}:{where.get('port')}")

    async def servers(self) -> Sequence[Connection]:
        """Every server that holds data; one, unless this is a cluster.

        Raises:
            ConnectionError: they cannot be found out.
        """
        return (self,)

    async def server_of(self, _key: str | bytes) -> Connection:
        """The server that holds a key or a shard channel.

        Raises:
            ConnectionError: it cannot be found out.
        """
        return self

    def doubt(self) -> None:
        """Something does not look as it was known: servers are looked up again before the next command."""


def cannot_serve(error: BaseException) -> bool:
    """Whether the server is away, or is there and cannot serve: out of memory, read only, unable to write."""
    if isinstance(error, (*AWAY, *_CANNOT_SERVE)):
        return True
    return isinstance(error, ResponseError) and any(code in str(error) for code in _CANNOT_SERVE_CODES)


@contextmanager
def served() -> Iterator[None]:
    """Turns what is raised while the server cannot serve into a domain error.

    Raises:
        Unavailable: ``redis_away``: the outcome is unknown.
    """
    try:
        yield
    except (*AWAY, ResponseError) as error:
        if not cannot_serve(error):
            raise
        if isinstance(error, ResponseError):
            log.error("Redis cannot serve: %s", error)
        raise Unavailable("redis_away") from error


def tag(shard: Shard) -> str:
    """The hash tag that keeps a shard's keys in one slot of a cluster."""
    return f"{{s{shard}}}"


def tag_of(identifier: str) -> str:
    """The hash tag of the shard that an id was created in."""
    return tag(shard_of(identifier))
