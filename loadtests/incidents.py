"""What happens to everybody during a scenario."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import gevent

from loadtests.audience.stage import Stage
from loadtests.processes import Process, signal_process, supervised
from loadtests.scenario import Incident

RESTART_SECONDS = 60.0
LOOK_SECONDS = 0.1


class Incidents:
    """Makes incidents happen to a stage and to the server that works in a directory."""

    def __init__(self, stage: Stage, data_dir: Path, report: Callable[[str], None]) -> None:
        self._stage = stage
        self._data_dir = data_dir
        self._report = report

    def happen(self, incident: Incident) -> None:
        """One of them; returns when it is over."""
        self._report(f"{incident}")
        if incident is Incident.STORM:
            self._stage.storms += 1
            return
        for name, process in sorted(supervised(self._data_dir).items()):
            if name.startswith("gateway"):
                self._restart(name, process)

    def _restart(self, name: str, process: Process) -> None:
        """Asks a gateway to leave in good order, and waits for the one that takes its place."""
        signal_process(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + RESTART_SECONDS
        while time.monotonic() < deadline:
            successor = supervised(self._data_dir).get(name)
            if successor is not None and successor.pid != process.pid and successor.listens():
                return
            gevent.sleep(LOOK_SECONDS)
        self._report(f"{name} has not come back")
