"""Two gateways on one Redis beside one gateway: what it adds in latency, and what it costs in CPU.

The same audience hears the same traffic, first all on one gateway, then half of it on a second one. All
talkers are on the first. Both gateways share the server's core.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass

from loadtests.bench.result import Result
from loadtests.crowd import Crowd, full_room
from loadtests.deployment import another_gateway, deployed
from loadtests.processes import SERVER_CORE, Process
from loadtests.sink import Line

COMMENTS_PER_SECOND = 40.0
PIN_SECONDS = 0.25
WARM_UP_SECONDS = 2.0


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    options = parser.parse_args()
    _measure(options.viewers, options.seconds).print()


@dataclass(frozen=True, slots=True)
class Side:
    """What the viewers of one gateway heard, and how late."""

    delays_ms: list[float]

    def describe(self) -> dict[str, float]:
        """For the details."""
        return {
            "delay_ms_p50": round(statistics.median(self.delays_ms), 1),
            "delay_ms_p99": round(statistics.quantiles(self.delays_ms, n=100)[98], 1),
        }


def _measure(viewers: int, seconds: float) -> Result:
    with deployed() as deployment, full_room(deployment, viewers // 2) as crowd:
        first = deployment.process("gateway-1")
        with another_gateway(deployment) as (port, second):
            second.pin(SERVER_CORE)
            away = crowd.seat(viewers // 2, port)
            crowd.quiet()
            (near, far), two_cost = _listen(crowd, [first, second], away, seconds)
            for line in away:
                crowd.sink.cut(line)
            crowd.sink.run(1.0)
        crowd.seat(viewers // 2)
        crowd.quiet()
        (one, _), one_cost = _listen(crowd, [first], [], seconds)
        crowd.require_all()
    added = statistics.median(far.delays_ms) - statistics.median(near.delays_ms)
    return Result(
        name="nodes",
        value=round(added, 2),
        unit="ms added at the other gateway, median",
        baseline=round(one_cost, 2),
        baseline_is="µs of CPU per delivered frame with one gateway",
        ratio=round(two_cost / one_cost, 2),
        target="reported",
        ok=True,
        details={
            "viewers": viewers,
            "cpu_micros_per_frame_two_gateways": round(two_cost, 2),
            "one_gateway": one.describe(),
            "two_gateways_near": near.describe(),
            "two_gateways_far": far.describe(),
        },
    )


def _listen(
    crowd: Crowd, gateways: list[Process], away: list[Line], seconds: float
) -> tuple[tuple[Side, Side], float]:
    """Delays here and there, and CPU per delivered frame in microseconds."""
    numbers = {line.number for line in away}
    near, far = Side([]), Side([])

    def sort(line: Line, delay_ms: float) -> None:
        (far if line.number in numbers else near).delays_ms.append(delay_ms)

    crowd.talk(COMMENTS_PER_SECOND)
    crowd.pin_and_unpin(PIN_SECONDS)
    crowd.sink.run(WARM_UP_SECONDS)
    crowd.on_delay = sort
    frames, cpu = crowd.sink.frames, sum(gateway.cpu_seconds() for gateway in gateways)
    crowd.sink.run(seconds)
    cpu = sum(gateway.cpu_seconds() for gateway in gateways) - cpu
    frames = crowd.sink.frames - frames
    crowd.quiet()
    return (near, far), cpu / frames * 1e6


if __name__ == "__main__":
    main()
