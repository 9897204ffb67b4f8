"""A full room loses its network at once, then its gateways restart one after the other: who missed what?

The host goes on pinning all the time. Every viewer reads everything, comes back as a browser does, with
back-off and jitter, and says from where; at the end each must have heard each control event. Beside it: how
long as many bare handshakes take.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle

from loadtests.baselines.child import baseline
from loadtests.bench.result import Result
from loadtests.deployment import Deployment, deployed, plan_show
from loadtests.followers import Followers
from loadtests.processes import allow_descriptors, signal_process
from loadtests.sink import Line, Sink

GATEWAYS = 2
PIN_SECONDS = 0.5
PATIENCE_SECONDS = 300.0
SPARE_DESCRIPTORS = 500
FIRST_BARE_NUMBER = 200_000
NOBODYS_COMMENT = "00" + "0" * 26


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=5_000)
    options = parser.parse_args()
    allow_descriptors(options.viewers + SPARE_DESCRIPTORS)
    bare = _bare(options.viewers)
    with deployed(workers=GATEWAYS) as deployment:
        upheaval = Room(deployment, options.viewers).suffer()
    _result(upheaval, options.viewers, bare).print()


@dataclass(frozen=True, slots=True)
class Upheaval:
    """How long it took until all had heard everything again, and what was missing."""

    storm_seconds: float
    restart_seconds: float
    events: int
    wrong: list[str]
    resumed: int
    fresh: int


class Room:
    """A show on two gateways, with viewers who follow every event."""

    def __init__(self, deployment: Deployment, viewers: int) -> None:
        self._deployment = deployment
        self._show = plan_show(deployment)
        self._crowd = Followers(deployment, self._show, viewers)
        self._products = cycle(self._show.products)
        self._pinned = ""

    def suffer(self) -> Upheaval:
        """Both upheavals, one after the other."""
        crowd = self._crowd
        try:
            crowd.enter()
            crowd.answer(crowd.host, t="show.start")
            crowd.sink.every(PIN_SECONDS, self._turn_pin)
            print(f"{len(crowd.viewers)} viewers are in the room", flush=True)
            storm = self._timed(self._lose_everybody)
            print(f"all lost their network and were back after {storm:.1f} s", flush=True)
            restart = self._timed(self._restart_gateways)
            print(f"all gateways were restarted within {restart:.1f} s", flush=True)
            return Upheaval(
                storm,
                restart,
                crowd.host.place.offset,
                crowd.wrongs(),
                sum(one.resumed for one in crowd.viewers),
                sum(one.fresh for one in crowd.viewers) - len(crowd.viewers),
            )
        finally:
            crowd.close()

    def _timed(self, upheaval: Callable[[], None]) -> float:
        started = time.monotonic()
        upheaval()
        self._crowd.sink.run_until(self._crowd.all_inside, PATIENCE_SECONDS)
        seconds = time.monotonic() - started
        mark = self._crowd.answer(self._crowd.host, t="delete", comment=NOBODYS_COMMENT)
        assert mark["t"] == "ok", mark
        last = self._crowd.host.place.offset
        self._crowd.sink.run_until(lambda: self._crowd.all_at(last), PATIENCE_SECONDS)
        return seconds

    def _lose_everybody(self) -> None:
        for viewer in self._crowd.viewers:
            self._crowd.sink.cut(viewer.line)

    def _restart_gateways(self) -> None:
        for number in range(GATEWAYS):
            name = f"gateway-{number + 1}"
            old = self._deployment.process(name)
            signal_process(old.pid, signal.SIGTERM)
            self._crowd.sink.run_until(lambda: self._is_replaced(name, old.pid), PATIENCE_SECONDS)  # noqa: B023 - used at once
            self._crowd.sink.run_until(self._crowd.all_inside, PATIENCE_SECONDS)

    def _is_replaced(self, name: str, old: int) -> bool:
        process = self._deployment.processes().get(name)
        return process is not None and process.pid != old and process.listens(self._deployment.port)

    def _turn_pin(self) -> None:
        if self._pinned:
            self._crowd.ask(self._crowd.host, t="unpin", product=self._pinned)
            self._pinned = ""
        else:
            self._pinned = next(self._products)
            self._crowd.ask(self._crowd.host, t="pin", product=self._pinned)


def _bare(viewers: int) -> float:
    """Seconds for as many handshakes, all at once, with a server that does nothing else."""
    with baseline("handshake") as child:
        sink = Sink(("127.0.0.1", child.port), "/")
        started = time.monotonic()
        sink.open(Line(FIRST_BARE_NUMBER + number, b"") for number in range(viewers))
        seconds = time.monotonic() - started
        sink.close()
    return seconds


def _result(upheaval: Upheaval, viewers: int, bare: float) -> Result:
    return Result(
        name="upheaval",
        value=round(upheaval.storm_seconds, 1),
        unit="s until everybody is back after a storm",
        baseline=round(bare, 1),
        baseline_is="as many bare handshakes under uvicorn, one process, 128 at a time",
        ratio=round(upheaval.storm_seconds / bare, 1),
        target="no control event lost, by storm or by rolling restart",
        ok=not upheaval.wrong,
        details={
            "viewers": viewers,
            "gateways": GATEWAYS,
            "control_events": upheaval.events,
            "wrong": upheaval.wrong[:20],
            "rolling_restart_seconds": round(upheaval.restart_seconds, 1),
            "resumed": upheaval.resumed,
            "snapshots_instead": upheaval.fresh,
        },
    )


if __name__ == "__main__":
    main()
