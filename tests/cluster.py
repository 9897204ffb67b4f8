"""A real Redis Cluster on loopback: servers that tests may kill, start again and hand slots between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.crc import key_slot

from livecommerce.adapters.embedded_valkey import server_command
from tests.servers import ValkeyServer, free_port

SLOTS = 16_384
NODE_TIMEOUT_MS = 1_000
START_SECONDS = 20.0


class ClusterServer(ValkeyServer):
    """One of a cluster's servers; durable like the others of the tests."""

    def __init__(self, data_dir: Path, **options: str) -> None:
        super().__init__(data_dir)
        self._bus_port = free_port()
        self._options = {
            "cluster-enabled": "yes",
            "cluster-port": str(self._bus_port),
            "cluster-node-timeout": str(NODE_TIMEOUT_MS),
            "cluster-require-full-coverage": "no",
            "repl-diskless-sync-delay": "0",
            **options,
        }

    def command(self) -> list[str]:
        """The server's command line."""
        words = (word for name, value in self._options.items() for word in (f"--{name}", value))
        return [*server_command(self.data_dir, self.port), *words]

    def ask(self, *words: str | int) -> Any:
        """One command to this server alone."""
        with Redis(host="127.0.0.1", port=self.port, decode_responses=True) as client:
            return client.execute_command(*words)

    def meet(self, other: ClusterServer) -> None:
        """Introduces itself to another."""
        self.ask("CLUSTER", "MEET", "127.0.0.1", other.port, other._bus_port)

    @property
    def name(self) -> str:
        """Its id in the cluster."""
        return str(self.ask("CLUSTER", "MYID"))


class ValkeyCluster:
    """Primaries that share the slots evenly."""

    def __init__(self, folder: Path, primaries: int = 3) -> None:
        self._folder = folder
        self.servers = [ClusterServer(folder / str(number)) for number in range(primaries)]

    @property
    def url(self) -> str:
        """As in ``REDIS_URL``."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers)

    def start(self) -> None:
        """Starts the servers and returns when they serve every slot."""
        for server in self.servers:
            server.start()
        share = -(-SLOTS // len(self.servers))
        for number, server in enumerate(self.servers):
            server.ask("CLUSTER", "ADDSLOTSRANGE", number * share, min(SLOTS, (number + 1) * share) - 1)
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number:
                server.meet(self.servers[0])
        until(lambda: all(serves_all(server) for server in self.servers))

    def add_replica(self, primary: ClusterServer, **options: str) -> ClusterServer:
        """Starts a replica and returns when it has what its primary has."""
        replica = ClusterServer(self._folder / f"replica-{len(self.servers)}", **options)
        self.servers.append(replica)
        replica.start()
        replica.meet(primary)
        until(lambda: primary.name in replica.ask("CLUSTER", "NODES"))
        replica.ask("CLUSTER", "REPLICATE", primary.name)
        until(lambda: replica.ask("INFO", "replication")["master_link_status"] == "up")
        return replica

    def owner(self, key: str) -> ClusterServer:
        """The primary that holds a key."""
        slot = key_slot(key.encode())
        for first, last, primary, *_ in self._running().ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(server for server in self.servers if server.port == primary[1])
        raise LookupError(key)

    def others(self, than: ClusterServer) -> Sequence[ClusterServer]:
        """The servers but one."""
        return [server for server in self.servers if server is not than]

    def _running(self) -> ClusterServer:
        return next(server for server in self.servers if server.running)

    def stop(self) -> None:
        """Ends all servers."""
        for server in self.servers:
            server.stop()


def serves_all(server: ClusterServer) -> bool:
    """Whether a server knows who holds every slot, and that they are well."""
    info = dict(line.split(":") for line in server.ask("CLUSTER", "INFO").split())
    return (info["cluster_state"], info["cluster_slots_ok"]) == ("ok", str(SLOTS))


def until(condition: Callable[[], bool]) -> None:
    """Waits for other processes, which tell nobody."""
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the cluster did not get there")
        time.sleep(0.02)


@contextmanager
def running_cluster(folder: Path) -> Iterator[ValkeyCluster]:
    """A cluster until the block ends."""
    cluster = ValkeyCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
