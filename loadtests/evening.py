"""One evening from the first guest to the verdicts: what swarm, chaos and locust have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import gevent
import httpx
from locust.env import Environment

from loadtests.audience.stage import Stage
from loadtests.audit.evidence import Verdict
from loadtests.backstage import Backstage
from loadtests.machine import machine
from loadtests.processes import supervised_pids, this_process
from loadtests.run import LawResult, Occurrence, Row, Run
from loadtests.sampler import Sampler, growth
from loadtests.settling import settle
from loadtests.stores import stores_of
from loadtests.terminal import print_judgement, print_measurements, print_outcomes, say
from loadtests.timeline import Timeline

METRICS_SECONDS = 2.0
SHARES = (0.5, 0.95, 0.99)
OWN_NAME = "swarm"

Pids = Callable[[], Mapping[str, Sequence[int]]]


class Evening:
    """Watches an audience and the server, and judges both when all is over."""

    def __init__(
        self,
        stage: Stage,
        environment: Environment,
        timeline: Timeline,
        data_dir: Path,
        pids: Pids | None = None,
    ) -> None:
        self.stage = stage
        self._stats = environment.stats
        self._timeline = timeline
        self._data_dir = data_dir
        self._pids = pids or partial(supervised_pids, data_dir)
        self._sampler = Sampler(self._all_pids, self._tasks)
        self._sampling = gevent.spawn(self._sampler.run)
        self.occurrences: list[Occurrence] = []
        self._seconds = 0.0

    def passed(self) -> float:
        """Seconds since the first guest."""
        return self._timeline.passed()

    def note(self, what: str, target: str, started_seconds: float, missed: str = "") -> None:
        """Something was done to the system, and is over now."""
        self.occurrences.append(
            Occurrence(
                what=what,
                target=target,
                started_seconds=round(started_seconds, 2),
                ended_seconds=round(self.passed(), 2),
                missed=missed,
            )
        )

    def close_the_books(self, backstage: Backstage, patience_seconds: float) -> list[Verdict]:
        """Tells what was measured, waits for the books, and tells the verdicts."""
        self._seconds = self.passed()
        self._sampling.kill()
        print_measurements(self._stats)
        print_outcomes(self.stage.witness.outcomes)
        with stores_of(self._data_dir) as stores:
            if stores is None:
                say("Valkey and SQL are not on this machine: their laws are not judged")
            ledger_file = self._data_dir / "ledger.sqlite"
            verdicts = settle(backstage, self.stage, ledger_file, patience_seconds, say, stores)
        print_judgement(verdicts, len(self.stage.witness.stock))
        return verdicts

    def run(self, title: str, command: str, people: int, verdicts: Sequence[Verdict]) -> Run:
        """All of it, for the report."""
        witness = self.stage.witness
        return Run(
            title=title,
            command=command,
            seed=self.stage.seed,
            started_ms=self.stage.started_ms,
            seconds=round(self._seconds, 1),
            machine=machine(),
            people=people,
            laws=[
                LawResult(law=one.law, holds=one.holds, checked=one.checked, violations=one.violations)
                for one in verdicts
            ],
            measurements=self._rows(),
            timeline=self._timeline.bins(),
            samples=self._sampler.samples,
            growth=growth(self._sampler.samples),
            occurrences=sorted(self.occurrences, key=lambda one: one.started_seconds),
            outcomes=dict(sorted(witness.outcomes.items())),
            drawn=dict(sorted(witness.drawn.items())),
            attendance=self._timeline.attendance(),
        )

    def _rows(self) -> list[Row]:
        entries = self._stats.entries
        return [
            Row(
                kind=kind,
                name=name,
                count=entry.num_requests,
                failures=entry.num_failures,
                percentiles_ms={
                    f"p{share * 100:g}": round(float(entry.get_response_time_percentile(share)), 1)
                    for share in SHARES
                },
                worst_ms=round(float(entry.max_response_time), 1),
            )
            for (name, kind), entry in sorted(entries.items(), key=lambda pair: (pair[0][1], pair[0][0]))
        ]

    def _all_pids(self) -> dict[str, Sequence[int]]:
        return {**self._pids(), OWN_NAME: [this_process().pid]}

    def _tasks(self) -> dict[str, int]:
        """What the gateways say of their event loops."""
        try:
            text = httpx.get(f"{self.stage.url}/metrics", timeout=METRICS_SECONDS, trust_env=False).text
        except httpx.TransportError:
            return {}
        prefix = 'livecommerce_tasks{gateway="'
        lines = [line.removeprefix(prefix) for line in text.splitlines() if line.startswith(prefix)]
        return {name: int(float(value)) for name, _, value in (line.partition('"} ') for line in lines)}
