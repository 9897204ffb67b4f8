"""What happens to everybody during a scenario."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import gevent

from loadtests.evening import Evening
from loadtests.loopback import require_loopback
from loadtests.processes import Process, signal_process, supervised
from loadtests.scenario import Incident, Scenario

RESTART_SECONDS = 60.0
LOOK_SECONDS = 0.1
RESTARTS = "a gateway restarts"


class CannotHappen(Exception):
    """An incident has nobody to strike; one sentence for the person at the terminal."""


class Incidents:
    """Makes incidents happen to an audience and to the server at a URL that works in a directory."""

    def __init__(
        self, storm: Callable[[], None], url: str, data_dir: Path, report: Callable[[str], None]
    ) -> None:
        self._storm = storm
        self._url = url
        self._data_dir = data_dir
        self._report = report

    def require(self, scenario: Scenario) -> None:
        """Makes sure that everything in a scenario can happen.

        Raises:
            CannotHappen: gateways should restart, and nobody here would start them again.
        """
        asked = {incident for _, incident in scenario.incidents}
        if Incident.RESTART in asked and not self._gateways():
            raise CannotHappen(
                f"{scenario.name} restarts the gateways of a server that 'livecommerce up' runs, and none "
                f"of those in {self._data_dir / 'processes.json'} serves {self._url}; name its data "
                "directory by --data-dir, or let 'make swarm' start a server of its own by --start"
            )

    def play(
        self, scenario: Scenario, seconds: float, evening: Evening, wait: Callable[[float], None]
    ) -> None:
        """Lets everything in a scenario of so many seconds happen at its time; the evening notes it."""
        for share, incident in scenario.incidents:
            wait(max(0.0, share * seconds - evening.passed()))
            self._report(f"{incident}")
            if incident is Incident.STORM:
                self._storm()
                evening.note(str(incident), "viewers", evening.passed())
            else:
                self._restart_all(evening)

    def _gateways(self) -> dict[str, Process]:
        """Those that serve the URL: a list that another server left behind names no victims."""
        _, port = require_loopback(self._url)
        return {
            name: process
            for name, process in supervised(self._data_dir).items()
            if name.startswith("gateway") and process.listens(port)
        }

    def _restart_all(self, evening: Evening) -> None:
        gateways = sorted(self._gateways().items())
        for name, process in gateways:
            started = evening.passed()
            missed = self._restart(name, process)
            evening.note(RESTARTS, name, started, missed)
        if not gateways:
            evening.note(RESTARTS, "gateways", evening.passed(), "no gateway serves here any more")

    def _restart(self, name: str, process: Process) -> str:
        """Asks a gateway to leave in good order, and waits for the one that takes its place."""
        signal_process(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + RESTART_SECONDS
        while time.monotonic() < deadline:
            successor = self._gateways().get(name)
            if successor is not None and successor.pid != process.pid:
                return ""
            gevent.sleep(LOOK_SECONDS)
        missed = f"{name} has not come back"
        self._report(missed)
        return missed
