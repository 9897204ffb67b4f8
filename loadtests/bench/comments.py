"""CPU per comment, through filter and limits and fanned out to all, beside bare decoding of as many frames.

Everybody comments: most are told to slow down, some are shown to all, the rest are told that only they saw
theirs.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
from itertools import cycle

from loadtests.baselines.child import baseline
from loadtests.bench.result import Result
from loadtests.crowd import TEXT, Crowd, full_room
from loadtests.deployment import Deployment, deployed
from loadtests.processes import this_process
from loadtests.sink import SinkFailed, text_frame

TARGET_RATIO = 2.5
TARGET_PER_SECOND = 8_000
BATCH_SECONDS = 0.01
ANSWER_SECONDS = 20.0
"""How long the last answers of a round may take, on a machine that others use as well."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=2_000)
    parser.add_argument("--per-second", type=int, default=TARGET_PER_SECOND)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    _measure(options.viewers, options.per_second, options.seconds, options.rounds).print()


def _measure(viewers: int, per_second: int, seconds: float, rounds: int) -> Result:
    payload = f'{{"t":"comment","id":7,"text":"{TEXT}"}}'
    costs, bare, shares, sink_shares, kernel = [], [], [], [], []
    with deployed() as deployment, full_room(deployment, viewers) as crowd, baseline("parse") as child:
        gateway = deployment.process("gateway-1")
        for number in range(rounds):
            before = gateway.cpu_parts()[1]
            count, cpu, own = _flood(deployment, crowd, per_second, seconds)
            child.order(f"{count} {payload}")
            bare.append(float(child.read()) / count * 1e6)
            kernel.append((gateway.cpu_parts()[1] - before) / count * 1e6)
            costs.append(cpu / count * 1e6)
            shares.append(cpu / seconds)
            sink_shares.append(own / seconds)
            print(
                f"round {number + 1}: {costs[-1]:.1f} µs a comment ({shares[-1]:.0%} of a core at "
                f"{count / seconds:,.0f}/s), bare {bare[-1]:.1f} µs",
                flush=True,
            )
        crowd.require_all()
        unanswered = crowd.said - crowd.verdicts.total()
    ratio = statistics.median(cost / other for cost, other in zip(costs, bare, strict=True))
    capacity = 1e6 / statistics.median(costs)
    return Result(
        name="comments",
        value=round(statistics.median(costs), 1),
        unit="µs of CPU per comment",
        baseline=round(statistics.median(bare), 1),
        baseline_is="websockets' sans-I/O parser on as many frames",
        ratio=round(ratio, 2),
        target=f"ratio <= {TARGET_RATIO}; >= {TARGET_PER_SECOND}/s on one core, each answered",
        ok=ratio <= TARGET_RATIO and capacity >= TARGET_PER_SECOND and unanswered == 0,
        details={
            "viewers": viewers,
            "comments_per_second_of_cpu": round(capacity),
            "offered_per_second": per_second,
            "of_it_in_the_kernel": round(statistics.median(kernel), 1),
            "gateway_share_of_core": round(statistics.median(shares), 3),
            "sink_share_of_core": round(max(sink_shares), 3),
            "unanswered_of_sampled": unanswered,
            "verdicts_of_sampled": dict(crowd.verdicts),
        },
    )


def _flood(deployment: Deployment, crowd: Crowd, per_second: int, seconds: float) -> tuple[int, float, float]:
    """Comments of a round, and what gateway and sink spent until all of them were answered."""
    gateway, sink, me = deployment.process("gateway-1"), crowd.sink, this_process()
    speech = Speech(crowd, per_second)
    cpu, own = gateway.cpu_seconds(), me.cpu_seconds()
    sink.every(BATCH_SECONDS, speech.go_on)
    sink.run(seconds)
    sink.agenda.clear()
    crowd.said += speech.said_by_sampled
    with contextlib.suppress(SinkFailed):
        sink.run_until(lambda: crowd.verdicts.total() >= crowd.said, ANSWER_SECONDS)
    cpu, own = gateway.cpu_seconds() - cpu, me.cpu_seconds() - own
    crowd.quiet()
    return speech.count, cpu, own


class Speech:
    """Everybody comments in turn, so many a second all together."""

    def __init__(self, crowd: Crowd, per_second: int) -> None:
        self._sink = crowd.sink
        self._speakers = cycle(crowd.viewers)
        self._each_time = max(1, round(per_second * BATCH_SECONDS))
        self._frame = text_frame({"t": "comment", "id": 7, "text": TEXT})
        self.count = 0
        self.said_by_sampled = 0

    def go_on(self) -> None:
        """The next ones."""
        for _ in range(self._each_time):
            line = next(self._speakers)
            self._sink.send(line, self._frame)
            self.said_by_sampled += line.sampled
        self.count += self._each_time


if __name__ == "__main__":
    main()
