"""One audience's evening in this process: it comes, something happens, it goes home."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
from locust import User
from locust.env import Environment
from locust.runners import LocalRunner

from loadtests.audience.brand import Brand
from loadtests.audience.buyer import Buyer
from loadtests.audience.catching_up import catch_up
from loadtests.audience.commenter import Commenter
from loadtests.audience.host import Host
from loadtests.audience.recording import measure_lag
from loadtests.audience.sharer import Sharer
from loadtests.audience.stage import Stage, set_stage
from loadtests.audience.troll import Troll
from loadtests.audience.viewer import Viewer
from loadtests.timeline import Timeline

USERS: list[type[User]] = [Host, Brand, Viewer, Commenter, Buyer, Sharer, Troll]
PROGRESS_SECONDS = 5.0
LOOK_SECONDS = 0.2
LEAVING_SECONDS = 25.0
"""How long people may take to finish paying after the show."""

People = Callable[[float], int]
"""Seconds since the beginning → how many people there are."""
Report = Callable[[str], None]


class Performance:
    """An audience for a stage; the caller follows it and then ends it."""

    def __init__(self, stage: Stage, people: People, report: Report) -> None:
        self.stage = stage
        self.environment = Environment(user_classes=USERS, host=stage.url, stop_timeout=LEAVING_SECONDS)
        self.timeline = Timeline()
        self.environment.events.request.add_listener(self.timeline.hear)  # type: ignore[no-untyped-call]
        set_stage(self.environment, stage)
        self._people = people
        self._report = report
        self._runner: LocalRunner = self.environment.create_local_runner()
        self._beside = [gevent.spawn(measure_lag, self.environment), gevent.spawn(self._come_and_go)]
        self._told_at = 0.0

    def follow(self, seconds: float) -> None:
        """Lets the show go on for a while."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            gevent.sleep(min(LOOK_SECONDS, left))
            self._tell()

    def catch_up(self) -> None:
        """Waits until everybody in the room has heard what has happened so far; names those who have not."""
        catch_up(self.stage, self.follow)

    def end(self) -> None:
        """Everybody finishes paying and leaves."""
        self.stage.closing = True
        self._report("The show is over; people finish paying and leave")
        deadline = time.monotonic() + LEAVING_SECONDS
        while len(self._runner.user_greenlets) and time.monotonic() < deadline:
            gevent.sleep(LOOK_SECONDS)
        for greenlet in self._beside:
            greenlet.kill()
        self._runner.stop()

    def _come_and_go(self) -> None:
        there = 0
        while not self.stage.closing:
            wanted = self._people(self.timeline.passed())
            if wanted != there:
                there = wanted
                self._runner.start(there, spawn_rate=max(10.0, there / 2))
            self.timeline.see(len(self.stage.inside))
            gevent.sleep(1.0)

    def _tell(self) -> None:
        if self.timeline.passed() - self._told_at < PROGRESS_SECONDS:
            return
        self._told_at = self.timeline.passed()
        total = self.environment.stats.total
        self._report(
            f"{self._told_at:5.0f} s  {self._runner.user_count} people  {total.num_requests} measurements  "
            f"{len(self.stage.witness.purchases)} orders  {total.num_failures} failures"
        )
