"""Whether what a server acknowledges is kept: probed behind each new connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from livecommerce.adapters.redis_connection import Connection, served
from livecommerce.errors import Unavailable


class Durability:
    """Refuses selling on servers that could lose acknowledged writes.

    A server that was away may have come back with other settings, or as another server. So an answer holds
    until a connection to it is made; then it is asked for again, once for all who wait.
    """

    def __init__(self, redis: Connection) -> None:
        self._redis = redis
        self._answers: dict[Connection, tuple[int, str | None]] = {}
        """Server → connections made when it was asked, and why selling there is not safe."""
        self._asking = asyncio.Lock()

    async def require(self, key: str) -> None:
        """Returns where selling is safe on the server that holds a key.

        Raises:
            Unavailable: ``not_durable``: it is not; ``redis_away``: it cannot be found out.
        """
        with served():
            server = await self._redis.server_of(key)
        opened, reason = self._answers.get(server, (-1, None))
        if opened != server.opened:
            reason = await self._ask(server)
        if reason is not None:
            raise Unavailable("not_durable", reason=reason)

    async def require_now(self, key: str) -> None:
        """The same, of what is so this moment: settings can change without a new connection."""
        with served():
            self._answers.pop(await self._redis.server_of(key), None)
        await self.require(key)

    async def _ask(self, server: Connection) -> str | None:
        async with self._asking:
            while True:
                before = server.opened
                known_at, reason = self._answers.get(server, (-1, None))
                if known_at == before:
                    return reason
                with served():
                    reason = await _unsafe(server)
                if server.opened == before:  # else it may have been another server that answered
                    self._answers[server] = (before, reason)


async def unsafe_durability(redis: Connection) -> str | None:
    """Why selling here could lose acknowledged writes, or ``None`` if it is safe."""
    for server in await redis.servers():
        reason = await _unsafe(server)
        if reason is not None:
            return f"{server.address}: {reason}"
    return None


async def _unsafe(server: Connection) -> str | None:
    info: Mapping[str, Any] = await server.info("persistence", "memory", "cluster")
    if not info.get("aof_enabled"):
        return "append-only file is off (appendonly no)"
    fsync = await server.config_get("appendfsync")
    if fsync.get("appendfsync") != "always":
        return f"appendfsync is {fsync.get('appendfsync')}, not always"
    if info.get("maxmemory_policy") != "noeviction":
        return f"maxmemory-policy is {info.get('maxmemory_policy')}, not noeviction"
    return await _unsafe_replica(server) if info.get("cluster_enabled") else None


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
