"""Two gateways on one Redis beside one gateway: what it adds in latency, and what it costs in CPU.

The same audience hears the same traffic, first half of it on a second gateway, then all on one. All talkers
are on the first. Both gateways share the server's core. At the end the second gateway is killed: for how long
are its viewers still counted? With ``--cluster`` the two share a Redis Cluster of three servers instead.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from loadtests.bench.result import Result
from loadtests.crowd import Crowd, full_room
from loadtests.deployment import another_gateway, deployed
from loadtests.processes import SERVER_CORE, Process
from loadtests.sink import Line
from loadtests.valkey_cluster import running_cluster

COMMENTS_PER_SECOND = 40.0
PIN_SECONDS = 0.25
WARM_UP_SECONDS = 2.0
PATIENCE_SECONDS = 10.0


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--cluster", action="store_true", help="on a Redis Cluster of three servers")
    options = parser.parse_args()
    with _redis(options.cluster) as redis_url:
        _measure(options.viewers, options.seconds, redis_url).print()


@contextmanager
def _redis(cluster: bool) -> Iterator[str]:
    """Where rooms live: in a cluster, or (empty) in the product's own Valkey."""
    if not cluster:
        yield ""
        return
    with running_cluster() as url:
        yield url


@dataclass(frozen=True, slots=True)
class Side:
    """What the viewers of one gateway heard, and how late, by lane."""

    comments_ms: list[float] = field(default_factory=list)
    events_ms: list[float] = field(default_factory=list)

    def hear(self, kind: str, delay_ms: float) -> None:
        """One arrived."""
        (self.comments_ms if kind == "comments" else self.events_ms).append(delay_ms)

    def describe(self) -> dict[str, float]:
        """For the details."""
        return {
            f"{lane}_ms_{name}": round(value, 1)
            for lane, delays in (("comments", self.comments_ms), ("events", self.events_ms))
            for name, value in (
                ("p50", statistics.median(delays)),
                ("p99", statistics.quantiles(delays, n=100)[98]),
            )
        }


def _measure(viewers: int, seconds: float, redis_url: str) -> Result:
    with deployed(redis_url=redis_url) as deployment, full_room(deployment, viewers // 2) as crowd:
        first = deployment.process("gateway-1")
        with another_gateway(deployment) as (port, second):
            second.pin(SERVER_CORE)
            away = crowd.seat(viewers // 2, port)
            crowd.quiet()
            (near, far), two_cost = _listen(crowd, [first, second], away, seconds)
            crowd.require_all()
            wrong_seconds = _kill(crowd, second, viewers // 2)
        for line in away:
            crowd.sink.cut(line)
        crowd.seat(viewers // 2)
        crowd.quiet()
        (one, _), one_cost = _listen(crowd, [first], [], seconds)
    added = statistics.median(far.comments_ms) - statistics.median(near.comments_ms)
    return Result(
        name="nodes",
        value=round(added, 2),
        unit="ms added to comments at the other gateway, median",
        baseline=round(one_cost, 2),
        baseline_is="µs of CPU per delivered frame with one gateway",
        ratio=round(two_cost / one_cost, 2),
        target="reported",
        ok=True,
        details={
            "viewers": viewers,
            "redis": "a cluster of three servers" if redis_url else "one server",
            "cpu_micros_per_frame_two_gateways": round(two_cost, 2),
            "one_gateway": one.describe(),
            "two_gateways_near": near.describe(),
            "two_gateways_far": far.describe(),
            "viewers_of_a_killed_gateway_counted_for_seconds": round(wrong_seconds, 2),
        },
    )


def _kill(crowd: Crowd, gateway: Process, viewers: int) -> float:
    """Kills a gateway; for how long the others still see its viewers counted."""
    stayed = crowd.count
    gateway.kill()
    killed = time.monotonic()
    crowd.sink.run_until(lambda: crowd.count <= stayed - viewers, PATIENCE_SECONDS)
    return time.monotonic() - killed


def _listen(
    crowd: Crowd, gateways: list[Process], away: list[Line], seconds: float
) -> tuple[tuple[Side, Side], float]:
    """Delays here and there, and CPU per delivered frame in microseconds."""
    numbers = {line.number for line in away}
    near, far = Side(), Side()

    def sort(line: Line, kind: str, delay_ms: float) -> None:
        (far if line.number in numbers else near).hear(kind, delay_ms)

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
