"""One test under locust's own command, in the process that judges it: alone, or the master."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path

import gevent
from locust.env import Environment

from loadtests.audience.gathering import storm
from loadtests.audience.stage import Stage
from loadtests.audit.judgement import Judgement, judge
from loadtests.backstage import Backstage
from loadtests.evening import Evening
from loadtests.incidents import Incidents
from loadtests.processes import supervised_pids
from loadtests.report import write_report
from loadtests.scenario_shape import ScenarioShape
from loadtests.terminal import say
from loadtests.watch import Watch

FREELY = "locust"
"""Where no scenario was chosen, people come as whoever runs it says."""


class LocustRun:
    """Lets happen what belongs to the scenario; then judges and reports."""

    def __init__(self, environment: Environment, stage: Stage, watch: Watch, data_dir: Path) -> None:
        self._shape = shape_of(environment)
        self._stage = stage
        self._watch = watch
        self._evening = Evening(stage, environment, watch.timeline, data_dir, partial(self._pids, data_dir))
        self._incidents = incidents_of(environment, stage.url, data_dir)
        self._happening = gevent.spawn(self._happen)
        if self._shape is not None:
            self._shape.is_busy = lambda: not self._happening.ready()

    def _pids(self, data_dir: Path) -> dict[str, list[int]]:
        return {**supervised_pids(data_dir), **self._watch.workers()}

    def _happen(self) -> None:
        if self._shape is not None:
            shape = self._shape
            self._incidents.play(shape.scenario, shape.seconds, self._evening, gevent.sleep)

    def stop(self) -> None:
        """Nothing happens any more."""
        self._happening.kill()

    def judge(self, patience_seconds: float, report: str) -> Judgement:
        """Closes the books, and writes the report."""
        stage = self._stage
        with Backstage(stage.url, stage.secret) as backstage:
            verdicts = self._evening.close_the_books(backstage, patience_seconds)
        run = self._evening.run(self._title(), _command(stage.seed), self._watch.people, verdicts)
        name = self._shape.scenario.name if self._shape else FREELY
        write_report(run, Path(report) if report else Path("reports") / f"{name}-{stage.seed}", say)
        return judge(verdicts, len(stage.witness.stock))

    def _title(self) -> str:
        if self._shape is None:
            return f"{FREELY}: people come and go as asked"
        return f"{self._shape.scenario.name}: {self._shape.scenario.story}"


def shape_of(environment: Environment) -> ScenarioShape | None:
    """The scenario that a test follows, if any."""
    shape = environment.shape_class
    return shape if isinstance(shape, ScenarioShape) else None


def incidents_of(environment: Environment, url: str, data_dir: Path) -> Incidents:
    """What can happen to an audience that may be spread over several processes."""
    return Incidents(partial(storm, environment), url, data_dir, say)


def _command(seed: int) -> str:
    """What repeats this audience."""
    words = ["locust", *sys.argv[1:]]
    return shlex.join(words if "--seed" in words else [*words, "--seed", str(seed)])
