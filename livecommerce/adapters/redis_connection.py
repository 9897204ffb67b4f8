"""Connections to Redis or Valkey, and the function library that every process loads."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterDownError, OutOfMemoryError, ReadOnlyError, ResponseError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from livecommerce.adapters.redis_cancellation import make_cancellable
from livecommerce.errors import Unavailable
from livecommerce.ids import Shard, shard_of

log = logging.getLogger(__name__)

AWAY = (RedisConnectionError, RedisTimeoutError, OSError)
"""What is raised while the server cannot be reached, or its answer is lost: outcome unknown."""

_CANNOT_SERVE = (OutOfMemoryError, ReadOnlyError, ClusterDownError, TryAgainError)
_CANNOT_SERVE_CODES = ("MISCONF ", "NOREPLICAS ")
"""Refusals of the server's that the client library has no class for."""

LIBRARY_VERSION = 2
"""Raised with every release that changes the functions."""

QUEUE_SECONDS = 5.0
"""How long a command waits for a free connection."""

Connection = Redis
"""One server. Commands are never repeated by the client: a lost answer may have been a success."""


def connect(url: str, *, timeout_seconds: float | None = 5.0, max_connections: int = 64) -> Connection:
    """A client that raises instead of repeating; nothing is sent until its first use.

    More commands at once than connections wait their turn. The caller closes it (``aclose``). A command that
    runs into the time-out has an unknown outcome.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        timeout=QUEUE_SECONDS,
        protocol=3,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=timeout_seconds,
        socket_connect_timeout=5.0,
        max_connections=max_connections,
        client_name="livecommerce",
    )
    make_cancellable(pool)
    return Redis.from_pool(pool)


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


def library_source() -> str:
    """All functions as one library; the files are joined in the order of their names."""
    folder = files("livecommerce.adapters") / "lua"
    parts = sorted(
        (entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".lua")
    )
    return f"#!lua name=livecommerce\n-- version {LIBRARY_VERSION}\n" + "\n".join(
        source for _, source in parts
    )


async def load_library(redis: Connection) -> None:
    """Installs the functions; what is there already, or is newer than ours, is left alone.

    A process of an older release that starts again during a deploy must not take new functions away.
    """
    source = library_source()
    libraries: Any = await redis.function_list(library="livecommerce", withcode=True)
    for library in libraries:
        code = library[b"library_code"].decode()
        if code == source or _version_of(code) > LIBRARY_VERSION:
            return
    await redis.function_load(source, replace=True)


def _version_of(code: str) -> int:
    found = re.search(r"^-- version (\d+)$", code, re.MULTILINE)
    return int(found.group(1)) if found else 0


async def unsafe_durability(redis: Connection) -> str | None:
    """Why selling on this server could lose acknowledged writes, or ``None`` if it is safe."""
    persistence: Mapping[str, Any] = await redis.info("persistence")
    memory: Mapping[str, Any] = await redis.info("memory")
    if not persistence.get("aof_enabled"):
        return "append-only file is off (appendonly no)"
    fsync = await redis.config_get("appendfsync")
    if fsync.get("appendfsync") != "always":
        return f"appendfsync is {fsync.get('appendfsync')}, not always"
    if memory.get("maxmemory_policy") != "noeviction":
        return f"maxmemory-policy is {memory.get('maxmemory_policy')}, not noeviction"
    return None


async def server_status(redis: Connection) -> dict[str, Any]:
    """Version, durability and memory of the server, for operators.

    Raises:
        Unavailable: it is away.
    """
    with served():
        server, memory = await redis.info("server"), await redis.info("memory")
        reason = await unsafe_durability(redis)
    version = server.get("valkey_version") or server.get("redis_version")
    return {
        "version": version,
        "durable": reason is None,
        "reason": reason,
        "used_bytes": memory["used_memory"],
    }
