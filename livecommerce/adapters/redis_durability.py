"""Whether what a server acknowledges is kept: probed behind each new connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from livecommerce.adapters.redis_cluster import Cluster
from livecommerce.adapters.redis_connection import Connection, served
from livecommerce.errors import Unavailable


class Durability:
    """Refuses selling on servers that could lose acknowledged writes.

    A server that was away may have come back with other settings, or as another server. So an answer holds
    until a connection is made; then it is asked for again, once for all who wait.
    """

    def __init__(self, redis: Connection) -> None:
        self._redis = redis
        self._known_at = -1
        self._reason: str | None = None
        self._probing = asyncio.Lock()

    async def require(self) -> None:
        """Returns where selling is safe.

        Raises:
            Unavailable: ``not_durable``: it is not; ``redis_away``: it cannot be found out.
        """
        if self._known_at != self._redis.opened:
            await self._probe()
        if self._reason is not None:
            raise Unavailable("not_durable", reason=self._reason)

    async def require_now(self) -> None:
        """The same, of what is so this moment: settings can change without a new connection."""
        self._known_at = -1
        await self.require()

    async def _probe(self) -> None:
        async with self._probing:
            while self._known_at != (opened := self._redis.opened):
                with served():
                    self._reason = await unsafe_durability(self._redis)
                if opened == self._redis.opened:  # else it may have been another server that answered
                    self._known_at = opened


async def unsafe_durability(redis: Connection) -> str | None:
    """Why selling here could lose acknowledged writes, or ``None`` if it is safe."""
    if not isinstance(redis, Cluster):
        return await _unsafe(redis)
    for server in await redis.servers():
        reason = await _unsafe(server) or await _unsafe_replica(server)
        if reason is not None:
            return f"{server.address}: {reason}"
    return None


async def _unsafe(server: Connection) -> str | None:
    info: Mapping[str, Any] = await server.info("persistence", "memory")
    if not info.get("aof_enabled"):
        return "append-only file is off (appendonly no)"
    fsync = await server.config_get("appendfsync")
    if fsync.get("appendfsync") != "always":
        return f"appendfsync is {fsync.get('appendfsync')}, not always"
    if info.get("maxmemory_policy") != "noeviction":
        return f"maxmemory-policy is {info.get('maxmemory_policy')}, not noeviction"
    return None


async def _unsafe_replica(server: Connection) -> str | None:
    """Replicas hear of a write after it was acknowledged: one that takes over by itself may lack it."""
    myself = (await server.execute_command("CLUSTER MYID")).decode()  # type: ignore[no-untyped-call]
    nodes: Mapping[str, Any] = await server.execute_command("CLUSTER NODES")  # type: ignore[no-untyped-call]
    for address, node in nodes.items():
        if node["master_id"] == myself and "nofailover" not in node["flags"]:
            return f"replica {address} may take over without the last writes (cluster-replica-no-failover)"
    return None


async def server_status(redis: Connection) -> dict[str, Any]:
    """Version, durability and memory of the servers, for operators.

    Raises:
        Unavailable: one is away.
    """
    with served():
        infos = [await server.info("server", "memory") for server in await redis.servers()]
        reason = await unsafe_durability(redis)
    return {
        "version": infos[0].get("valkey_version") or infos[0].get("redis_version"),
        "durable": reason is None,
        "reason": reason,
        "used_bytes": sum(info["used_memory"] for info in infos),
    }
