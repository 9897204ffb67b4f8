"""A server of one's own to measure: the whole product on free ports, in a directory that goes away again."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from loadtests.backstage import Backstage
from loadtests.people import Person, sign_in
from loadtests.processes import GENERATOR_CORE, SERVER_CORE, Process, supervised, this_process

START_SECONDS = 90.0
STOP_SECONDS = 30.0


class DidNotStart(Exception):
    """The server did not come up; its messages are above."""


@dataclass(frozen=True)
class Deployment:
    """A running product with its demo."""

    url: str
    port: int
    data_dir: Path
    secret: str

    def process(self, name: str) -> Process:
        """One of the supervised processes, by its name: ``gateway-1``, ``worker``, ``valkey``, ``media``."""
        return self.processes()[name]

    def processes(self) -> dict[str, Process]:
        """All supervised processes that run, by name."""
        return supervised(self.data_dir)

    def gateways(self) -> list[Process]:
        """All gateways."""
        return [process for name, process in self.processes().items() if name.startswith("gateway")]

    def pin(self) -> None:
        """Gateways on the one core; everything else, this process included, on the other."""
        for name, process in self.processes().items():
            process.pin(SERVER_CORE if name.startswith("gateway") else GENERATOR_CORE)
        this_process().pin(GENERATOR_CORE)

    def person(self, name: str, *roles: tuple[str, str]) -> Person:
        """Somebody with an account."""
        return sign_in(self.secret, name, roles)


@dataclass(frozen=True)
class Show:
    """A room with its host, ready to be joined."""

    room: str
    shop: str
    host: Person
    products: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where its socket is."""
        return f"/ws/{self.room}"


def plan_show(deployment: Deployment) -> Show:
    """The show of the demo's host that can be started now."""
    with Backstage(deployment.url, deployment.secret) as backstage:
        host = backstage.sign_in("host")
        room = backstage.open_room(host)
        return Show(room, backstage.shop_of(room), host, tuple(backstage.products(room)))


@contextmanager
def deployed(
    workers: int = 1, redis_url: str = "", settings: Callable[[int], Mapping[str, str]] = lambda _port: {}
) -> Iterator[Deployment]:
    """Starts the product, on its own Valkey unless another is given, and stops it when the block ends.

    ``settings`` answers more variables, given the port that the gateways will have.

    Raises:
        DidNotStart: it is not there after a minute and a half.
    """
    port, media_port, media_udp_port = free_ports(3)
    secret = secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environ = {
            **os.environ,
            "DATA_DIR": folder,
            "TOKEN_SECRET": secret,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "MEDIA_PORT": str(media_port),
            "MEDIA_UDP_PORT": str(media_udp_port),
            "MEDIA_URL": f"http://127.0.0.1:{media_port}",
            "REDIS_URL": redis_url,
            "LOG_LEVEL": "warning",
            **settings(port),
        }
        words = [sys.executable, "-m", "livecommerce.cli", "up", "--demo", "--workers", str(workers)]
        server = subprocess.Popen(words, env=environ, stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            deployment = Deployment(f"http://127.0.0.1:{port}", port, Path(folder), secret)
            _wait_for(port, server)
            yield deployment
        finally:
            _stop(server)


@contextmanager
def another_gateway(deployment: Deployment) -> Iterator[tuple[int, Process]]:
    """A second gateway on the same stores, on a port of its own, and its process."""
    (port,) = free_ports(1)
    first = Path(f"/proc/{deployment.process('gateway-1').pid}/environ").read_bytes()
    environ = dict(entry.split("=", 1) for entry in first.decode().split("\0") if entry)
    environ |= {"PORT": str(port), "BASE_URL": deployment.url}
    server = subprocess.Popen([sys.executable, "-m", "livecommerce.cli", "gateway"], env=environ)
    try:
        _wait_for(port, server)
        yield port, Process(server.pid)
    finally:
        _stop(server)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success:
                return
        time.sleep(0.1)
    raise DidNotStart


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listened on a moment ago."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
