"""A scenario as locust's load shape: how many people there are, second by second."""

from __future__ import annotations

from collections.abc import Callable

from locust import LoadTestShape

from loadtests.scenario import Scenario

DEFAULT_USERS = 200
LEAST_SPAWN_RATE = 10.0


class ScenarioShape(LoadTestShape):
    """One scenario; people and length are those of locust's ``--users`` and ``--run-time`` where given."""

    abstract = True
    use_common_options = True
    scenario: Scenario
    is_busy: Callable[[], bool] = staticmethod(lambda: False)
    """Whether something is still being done to everybody: the show is not over before."""

    def tick(self) -> tuple[int, float] | None:
        """How many people there are now; ``None`` when the show is over."""
        passed = float(self.get_run_time())  # type: ignore[no-untyped-call]
        if passed > self.seconds and not self.is_busy():
            return None
        people = self.scenario.people(self.users, passed / self.seconds)
        return people, max(LEAST_SPAWN_RATE, self.users / 2)

    @property
    def users(self) -> int:
        """Most people at a time. Locust says one where nobody said anything, and one is no audience."""
        asked = self._asked("num_users")
        return int(asked) if asked and asked > 1 else DEFAULT_USERS

    @property
    def seconds(self) -> float:
        """How long the show is."""
        return self._asked("run_time") or self.scenario.seconds

    def _asked(self, name: str) -> float | None:
        options = self.runner.environment.parsed_options if self.runner else None
        asked: float | None = getattr(options, name, None)
        return asked
