"""A Redis Cluster as one connection: each command goes to the server that holds its key's slot.

Only what a server refused without executing it (``MOVED``) is sent again. A slot handed over key by key
(``ASK``) is not served until the hand-over is through: our functions touch keys that the server cannot see
from outside, and would find half of a room. docs/realtime.md weighs this against redis-py's cluster client.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.client import Pipeline
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import ClusterDownError, MovedError, ReadOnlyError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from livecommerce.adapters.redis_connection import AWAY, Connection

REDIRECTS = 5
"""How often one command follows a slot that has moved."""

LOOK_SECONDS = 0.2
"""Slots are not looked up more often than this, however much fails."""

LOOK_TIMEOUT_SECONDS = 2.0

Command = tuple[tuple[Any, ...], dict[str, Any]]
"""Words and options, as redis-py passes them."""

log = logging.getLogger(__name__)

_OF_EACH_SERVER = frozenset({"CONFIG", "FLUSHALL", "FUNCTION", "INFO", "KEYS", "PING", "SCAN", "WAIT"})


class Cluster(Connection):
    """Some servers of a cluster, and through them all of it; nothing is looked up before its first use."""

    def __init__(self, seeds: Sequence[Connection]) -> None:
        super().__init__(connection_pool=seeds[0].connection_pool)  # never used; each server has its own
        self._known = {seed.address: seed for seed in seeds}
        self._slots: list[Connection | None] = []
        self._primaries: tuple[Connection, ...] = ()
        self._doubtful = True
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()

    @property
    def opened(self) -> int:
        """Connections made so far to all servers."""
        return sum(server.opened for server in self._known.values())

    @property
    def address(self) -> str:
        """Where some of it is."""
        return ",".join(self._known)

    async def servers(self) -> Sequence[Connection]:
        """The primaries."""
        await self._look()
        return self._primaries

    async def server_of(self, key: str | bytes) -> Connection:
        """The primary that holds a key or a shard channel."""
        await self._look()
        server = self._slots[_slot_of(key)]
        if server is None:
            self.doubt()
            raise ClusterDownError("no server holds the slot")
        return server

    def doubt(self) -> None:
        """Looks the slots up again before the next command."""
        self._doubtful = True

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """One command, by the server that holds its key."""
        server = await self.server_of(_key_of(args))
        for _ in range(REDIRECTS):
            try:
                return await server.execute_command(*args, **options)  # type: ignore[no-untyped-call]
            except MovedError as moved:
                server = self._follow(moved, server)
            except (*AWAY, ClusterDownError, ReadOnlyError):
                self.doubt()
                raise
        raise ClusterDownError("its slot moves again and again")

    def pipeline(self, transaction: Any = False, _shard_hint: Any = None) -> ClusterPipeline:
        """Commands for any servers; each server gets its own in one round trip."""
        if transaction:
            raise ValueError("a cluster's servers share no transaction")
        return ClusterPipeline(self)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Closes the connections to all servers."""
        for server in self._known.values():
            await server.aclose(close_connection_pool)

    async def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        """An answer or an exception for each; one server's failure is no other server's."""
        groups: dict[Connection, list[int]] = {}
        for number, (args, _) in enumerate(commands):
            groups.setdefault(await self.server_of(_key_of(args)), []).append(number)
        sent = (self._send(server, [commands[n] for n in numbers]) for server, numbers in groups.items())
        answers: list[Any] = [None] * len(commands)
        for numbers, part in zip(groups.values(), await asyncio.gather(*sent), strict=True):
            for number, answer in zip(numbers, part, strict=True):
                answers[number] = answer
        for number, answer in enumerate(answers):
            if isinstance(answer, MovedError):
                answers[number] = await self._send_again(commands[number])
        return answers

    async def _send(self, server: Connection, commands: Sequence[Command]) -> list[Any]:
        pipeline = server.pipeline(transaction=False)
        for args, options in commands:
            pipeline.execute_command(*args, **options)
        try:
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
        except AWAY as error:
            self.doubt()
            return [RedisConnectionError(str(error))] * len(commands)
        return answers

    async def _send_again(self, command: Command) -> Any:
        args, options = command
        try:
            return await self.execute_command(*args, **options)
        except (*AWAY, ResponseError) as error:
            return error

    # ------------------------------------------------------------ slots

    def _follow(self, moved: MovedError, refused_by: Connection) -> Connection:
        host = moved.host or refused_by.connection_pool.connection_kwargs["host"]
        server = self._server_at(host, moved.port)
        self._slots[moved.slot_id] = server
        self.doubt()
        return server

    async def _look(self) -> None:
        if self._slots and not self._doubtful:
            return
        async with self._looking:
            fresh = asyncio.get_running_loop().time() - self._looked_at < LOOK_SECONDS
            if self._slots and (fresh or not self._doubtful):
                return
            await self._look_up()

    async def _look_up(self) -> None:
        known = list(self._known.values())
        random.shuffle(known)  # one that is cut off from the others must not be believed forever
        for server in known:
            try:
                async with asyncio.timeout(LOOK_TIMEOUT_SECONDS):
                    ranges = await server.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
            except (*AWAY, ClusterDownError) as error:
                log.info("%s cannot tell the slots: %s", server.address, error)
                continue
            self._take(ranges, server)
            self._looked_at = asyncio.get_running_loop().time()
            self._doubtful = False
            return
        raise RedisConnectionError(f"no server of the cluster answers ({self.address})")

    def _take(self, ranges: Any, teller: Connection) -> None:
        slots: list[Connection | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, primary, *_replicas in ranges:
            host = _text(primary[0]) or teller.connection_pool.connection_kwargs["host"]
            slots[first : last + 1] = [self._server_at(host, primary[1])] * (last - first + 1)
        self._slots = slots
        self._primaries = tuple(dict.fromkeys(server for server in slots if server is not None))

    def _server_at(self, host: str, port: int) -> Connection:
        server = self._known.get(f"{host}:{port}")
        if server is None:
            model: Any = self.connection_pool
            options = {**model.connection_kwargs, "host": host, "port": port}
            server = Connection.over(
                BlockingConnectionPool(
                    model.max_connections, model.timeout, connection_class=model.connection_class, **options
                )
            )
            self._known[server.address] = server
        return server


class ClusterPipeline(Pipeline):
    """Collects commands for ``Cluster.execute_all``."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster.connection_pool, {}, transaction=False, shard_hint=None)
        self._cluster = cluster

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """The answers in order; exceptions among them, or the first of these raised."""
        commands: list[Any] = list(self.command_stack)
        self.command_stack = []
        answers = await self._cluster.execute_all(commands)
        failed = [answer for answer in answers if isinstance(answer, Exception)]
        if raise_on_error and failed:
            raise failed[0]
        return answers


def _key_of(args: Sequence[Any]) -> str | bytes:
    """The key that a command of our drivers names; its words are placed as redis-py places them."""
    name = str(args[0]).upper()
    if name.split()[0] in _OF_EACH_SERVER:
        raise TypeError(f"{name} is asked of each of servers()")
    if name == "FCALL":
        key: str | bytes = args[3]
    elif name == "XREADGROUP":
        key = args[args.index(b"STREAMS") + 1]
    else:
        key = args[1]
    return key


def _slot_of(key: str | bytes) -> int:
    slot: int = key_slot(key.encode() if isinstance(key, str) else key)
    return slot


def _text(value: str | bytes | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
