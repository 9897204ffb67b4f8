"""Gateways as one host runs them: processes that share a port, a real Valkey, and the demo's show."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]

from livecommerce.adapters.sql_connection import migrate
from livecommerce.app.demo import seed_demo
from livecommerce.settings import Settings
from loadtests.deployment import Deployment
from tests.servers import free_port

PATIENCE_SECONDS = 60.0


class GatewayProcess:
    """One ``livecommerce gateway`` that a test may end, kill and start again."""

    def __init__(self, name: str, environ: dict[str, str]) -> None:
        self.name = name
        self._environ = {**os.environ, **environ, "GATEWAY_NAME": name}
        self._port = int(environ["PORT"])
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it; ``listens`` tells when it serves."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "livecommerce.cli", "gateway"], env=self._environ
        )

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def listens(self) -> bool:
        """Whether the kernel gives it connections."""
        return any(one.status == psutil.CONN_LISTEN for one in self._connections())

    def peers(self) -> set[tuple[str, int]]:
        """The addresses of its clients."""
        return {tuple(one.raddr) for one in self._connections() if one.status == psutil.CONN_ESTABLISHED}

    def _connections(self) -> Sequence[psutil._common.pconn]:
        if self._process is None:
            return ()
        try:
            connections = psutil.Process(self._process.pid).net_connections("tcp4")
        except psutil.NoSuchProcess:
            return ()
        return [one for one in connections if one.laddr.port == self._port]

    def leave(self) -> None:
        """Asks it to go in good order, and does not wait."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """As a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ends it, whatever it is doing."""
        if self.running:
            self.kill()


class Site:
    """Some gateways of one host, without worker and media; the demo's host can start a show."""

    def __init__(self, folder: Path, redis_url: str, gateways: int = 2) -> None:
        secret, port = secrets.token_urlsafe(32), free_port()
        self.deployment = Deployment(f"http://127.0.0.1:{port}", port, folder, secret)
        self._settings = Settings(data_dir=folder, redis_url=redis_url, token_secret=secret, port=port)
        environ = {
            "DATA_DIR": str(folder),
            "DEMO": "1",
            "LOG_LEVEL": "warning",
            "PORT": str(port),
            "REDIS_URL": redis_url,
            "TOKEN_SECRET": secret,
        }
        self.gateways = [GatewayProcess(f"gateway-{number + 1}", environ) for number in range(gateways)]

    def start(self) -> None:
        """Prepares the stores, and returns when every gateway serves."""
        asyncio.run(self._prepare())
        for gateway in self.gateways:
            gateway.start()
        for gateway in self.gateways:
            until(gateway.listens)

    async def _prepare(self) -> None:
        await migrate(self._settings.sql_url)
        await seed_demo(self._settings)

    def degraded(self) -> dict[str, str]:
        """What some gateway says is wrong."""
        answer = httpx.get(f"{self.deployment.url}/readyz", trust_env=False, timeout=15)
        wrong: dict[str, str] = answer.json()["degraded"]
        assert answer.is_success == (not wrong)
        return wrong

    def metrics(self) -> str:
        """What some gateway answers."""
        return httpx.get(f"{self.deployment.url}/metrics", trust_env=False, timeout=15).text

    def stop(self) -> None:
        """Ends all gateways."""
        for gateway in self.gateways:
            gateway.stop()


def until(condition: Callable[[], bool]) -> None:
    """Waits for other processes, which tell nobody."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come to that")
        time.sleep(0.02)
