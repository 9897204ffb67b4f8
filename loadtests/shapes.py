"""Scenarios as locust's load shapes, to choose from on its web page.

``locust -f loadtests/locustfile.py,loadtests/shapes.py --class-picker``
"""

from __future__ import annotations

import sys
from pathlib import Path

from locust import LoadTestShape

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # locust puts only this folder on the path

from loadtests.scenario import SCENARIOS, Scenario

DEFAULT_USERS = 200
LEAST_SPAWN_RATE = 10.0


class ScenarioShape(LoadTestShape):
    """One scenario; people and length come from whoever runs it, or from locust's command line."""

    abstract = True
    scenario: Scenario
    users = DEFAULT_USERS
    seconds = 0.0

    def tick(self) -> tuple[int, float] | None:
        """How many people there are now; ``None`` when the show is over."""
        seconds = self.seconds or self.scenario.seconds
        passed = float(self.get_run_time())  # type: ignore[no-untyped-call]
        if passed > seconds:
            return None
        people = self.scenario.people(self.users, passed / seconds)
        return people, max(LEAST_SPAWN_RATE, self.users / 2)


class FlashCrowd(ScenarioShape):
    """flash-crowd"""

    scenario = SCENARIOS["flash-crowd"]


class SlowBuild(ScenarioShape):
    """slow-build"""

    scenario = SCENARIOS["slow-build"]


class LongEvening(ScenarioShape):
    """long-evening"""

    scenario = SCENARIOS["long-evening"]
