"""The whole product, started as a newcomer would: ``livecommerce up --demo``, on ports of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.servers import free_port

START_SECONDS = 90
STOP_SECONDS = 40


class Demo:
    """A running demo; ``stop`` ends every process of it."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {
            **os.environ,
            "PORT": str(self.port),
            "MEDIA_PORT": str(free_port()),
            "MEDIA_UDP_PORT": str(free_port()),
            "DATA_DIR": str(data_dir),
            "STAY_SECONDS": "2",
            **environ,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts everything and returns when it is ready."""
        command = [sys.executable, "-m", "livecommerce.cli", "up", "--demo"]
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "up.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=self.environ, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the demo did not start:\n{self.log()}")
            time.sleep(0.1)  # another process; it tells nobody

    def ready(self) -> bool:
        """Whether nothing is degraded."""
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def processes(self) -> dict[str, int]:
        """The process id of each part that runs."""
        listed = json.loads((self.data_dir / "processes.json").read_text())["processes"]
        return {process["name"]: process["pid"] for process in listed}

    def stop(self) -> int:
        """Ends it as Ctrl-C would; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(STOP_SECONDS)

    def log(self) -> str:
        """What it has printed."""
        return (self.data_dir / "up.log").read_text()
