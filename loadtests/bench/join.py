"""CPU of a join (handshake, token, snapshot), beside a bare handshake under uvicorn; and a reconnect storm.

Joins come in batches that leave again, so that the room stays small and its counts cost little. In the storm
all are cut off, the host goes on, and all come back with epoch and offset: each must get what it missed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from typing import Any

from loadtests.baselines.child import baseline
from loadtests.bench.result import Result
from loadtests.crowd import Crowd, full_room, join_frame
from loadtests.deployment import Deployment, deployed
from loadtests.processes import Process, allow_descriptors
from loadtests.sink import Line, Sink, Stage

TARGET_RATIO = 1.7
BATCH = 200
MISSED_EVENTS = 6
MOST_RETRIES = 5
SAMPLES = 50
FIRST_NUMBER = 100_000
"""Addresses that no viewer of the crowd comes from."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--joins", type=int, default=2_000, help="per round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--storm", type=int, default=10_000, help="viewers who reconnect together")
    options = parser.parse_args()
    with deployed() as deployment, full_room(deployment, SAMPLES) as crowd:
        costs, bare = _costs(deployment, crowd, options.joins, options.rounds)
        storm = _storm(crowd, deployment, options.storm)
    _result(costs, bare, storm).print()


# ---------------------------------------------------------------- the cost of one


def _costs(deployment: Deployment, crowd: Crowd, joins: int, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of CPU per join and per bare handshake, by round."""
    gateway = deployment.process("gateway-1")
    costs, bare = [], []
    with baseline("handshake") as child:
        for number in range(rounds):
            frames = [join_frame(deployment.person("Viewer")) for _ in range(joins)]
            costs.append(_open_and_leave(crowd.sink, gateway, frames))
            other = Sink(("127.0.0.1", child.port), "/")
            bare.append(_open_and_leave(other, child.process, [b""] * joins))
            other.close()
            print(
                f"round {number + 1}: {costs[-1]:.3f} ms a join, {bare[-1]:.3f} ms a bare handshake",
                flush=True,
            )
    return costs, bare


def _open_and_leave(sink: Sink, server: Process, joins: list[bytes]) -> float:
    lines = [Line(FIRST_NUMBER + number, join) for number, join in enumerate(joins)]
    cpu = server.cpu_seconds()
    for start in range(0, len(lines), BATCH):
        batch = lines[start : start + BATCH]
        sink.open(batch)
        for line in batch:
            sink.cut(line)
    sink.run(0.5)
    return (server.cpu_seconds() - cpu) / len(lines) * 1000


# ---------------------------------------------------------------- all at once


@dataclass
class Storm:
    """How the reconnects went."""

    viewers: int
    missed_events: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    resumed: int = 0
    retries: int = 0
    fresh: int = 0
    """Viewers who got a snapshot instead of what they missed."""
    lost_events: int = 0


def _storm(crowd: Crowd, deployment: Deployment, viewers: int) -> Storm:
    allow_descriptors(viewers + 500)
    gateway = deployment.process("gateway-1")
    crowd.seat(viewers - len(crowd.viewers))
    crowd.quiet()
    offset = crowd.offsets[crowd.viewers[0].number]
    for line in crowd.viewers:
        crowd.sink.cut(line)
    for _ in range(MISSED_EVENTS):
        crowd.turn_pin()
        crowd.sink.run(0.3)
    storm = Storm(viewers)
    returning = Sink(("127.0.0.1", deployment.port), crowd.path, _Returned(storm, offset).hear)
    lines = [
        Line(line.number, join_frame(deployment.person("Viewer"), crowd.epoch, offset), sampled=True)
        for line in crowd.viewers
    ]
    cpu, started = gateway.cpu_seconds(), time.monotonic()
    returning.try_to_open(lines, at_once=viewers)
    for _ in range(MOST_RETRIES):  # as a browser does: who waited too long was cut off, and tries again
        away = [line for line in lines if line.stage is Stage.LOST]
        storm.retries += len(away)
        returning.try_to_open(away, at_once=viewers)
    storm.seconds = time.monotonic() - started
    storm.cpu_seconds = gateway.cpu_seconds() - cpu
    returning.run(1.0)
    returning.close()
    return storm


class _Returned:
    """Checks what a viewer is told first: all that was missed, in order."""

    def __init__(self, storm: Storm, offset: int) -> None:
        self._storm = storm
        self._offset = offset
        self._seen: dict[int, tuple[int, int]] = {}

    def hear(self, line: Line, message: dict[str, Any]) -> None:
        """Once a line has caught up it is not read any more."""
        if message["t"] == "snapshot":
            self._storm.fresh += 1
            line.reader = None
        elif message["t"] == "resumed":
            self._storm.resumed += 1
            self._storm.missed_events = message["offset"] - self._offset
            self._storm.lost_events += message["offset"] - self._offset
            self._seen[line.number] = (self._offset, message["offset"])
        elif "offset" in message and line.number in self._seen:
            last, end = self._seen[line.number]
            if message["offset"] == last + 1:
                self._storm.lost_events -= 1
                self._seen[line.number] = (last + 1, end)
            if last + 1 >= end:
                line.reader = None


def _result(costs: list[float], bare: list[float], storm: Storm) -> Result:
    ratio = statistics.median(cost / other for cost, other in zip(costs, bare, strict=True))
    all_back = storm.resumed + storm.fresh == storm.viewers
    return Result(
        name="join",
        value=round(statistics.median(costs), 3),
        unit="ms of CPU per join",
        baseline=round(statistics.median(bare), 3),
        baseline_is="websockets' sans-I/O handshake under uvicorn",
        ratio=round(ratio, 2),
        target=f"ratio <= {TARGET_RATIO}; after a storm all are back without a lost control event",
        ok=ratio <= TARGET_RATIO
        and all_back
        and storm.missed_events >= MISSED_EVENTS
        and storm.lost_events == 0,
        details={
            "storm_viewers": storm.viewers,
            "storm_seconds": round(storm.seconds, 1),
            "storm_cpu_ms_per_viewer": round(storm.cpu_seconds / storm.viewers * 1000, 3),
            "storm_resumed": storm.resumed,
            "storm_retries": storm.retries,
            "storm_snapshots": storm.fresh,
            "storm_missed_events": storm.missed_events,
            "storm_lost_events": storm.lost_events,
        },
    )


if __name__ == "__main__":
    main()
