"""Measures while a test of locust's own command runs, in each of its processes; workers tell their master."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.audience.recording import measure_lag
from loadtests.audience.stage import Stage
from loadtests.processes import this_process
from loadtests.timeline import Timeline

REPORT = "livecommerce"
"""What a worker adds to its reports to the master."""
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class WorkerNews:
    """What a worker said of itself last."""

    number: int
    pid: int
    inside: int
    """People in the room."""


class Watch:
    """Listens from its beginning to its end."""

    def __init__(self, environment: Environment, stage: Stage) -> None:
        self.timeline = Timeline.since(stage.started_ms)
        self.people = 0
        """Most people at a time."""
        self._runner = environment.runner
        self._stage = stage
        self._told: dict[str, WorkerNews] = {}
        events = environment.events
        self._listeners: list[tuple[Any, Callable[..., None]]] = [(events.request, self.timeline.hear)]
        if isinstance(self._runner, MasterRunner):
            self._listeners.append((events.worker_report, self._hear))
        elif isinstance(self._runner, WorkerRunner):
            self._listeners.append((events.report_to_master, self._tell))
        for event, listener in self._listeners:
            event.add_listener(listener)
        self._lag = gevent.spawn(measure_lag, environment)
        self._counting = gevent.spawn(self._count)

    def end(self) -> None:
        """Listens no more."""
        self._lag.kill()
        self._counting.kill()
        while self._listeners:
            event, listener = self._listeners.pop()
            event.remove_listener(listener)

    def workers(self) -> dict[str, list[int]]:
        """Processes that act for this one, by name."""
        return {f"swarm {one.number}": [one.pid] for one in self._told.values()}

    def _tell(self, data: dict[str, Any], **_: Any) -> None:
        assert isinstance(self._runner, WorkerRunner)
        data[REPORT] = {
            "number": 1 + self._runner.worker_index,
            "pid": this_process().pid,
            "inside": len(self._stage.inside),
            "timeline": self.timeline.take(),
        }

    def _hear(self, client_id: str, data: dict[str, Any]) -> None:
        if REPORT in data:
            said = data[REPORT]
            self._told[client_id] = WorkerNews(said["number"], said["pid"], said["inside"])
            self.timeline.add(said["timeline"])

    def _count(self) -> None:
        while not self._stage.closing:
            inside = len(self._stage.inside) + sum(one.inside for one in self._told.values())
            self.timeline.see(inside)
            self.people = max(self.people, self._runner.user_count if self._runner else 0)
            gevent.sleep(LOOK_SECONDS)
        self._lag.kill()  # nobody waits for a process that only judges
