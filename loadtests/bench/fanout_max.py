"""Deliveries a second that one gateway on one core can make, beside the bare ``os.write`` loop's; and how
late they are at half that load.

The load is comments and hearts, which go out at each tick, and control events on top, which are flushed at
once, as many as the store appends. The store works on the generator's core.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass

from loadtests.baselines.child import Child, baseline
from loadtests.bench.result import Result
from loadtests.crowd import Crowd, full_room
from loadtests.deployment import Deployment, deployed
from loadtests.processes import allowed_descriptors, this_process
from loadtests.sink import Line, Sink, SinkFailed

TARGET_RATIO = 0.8
TARGET_DELAY_MS = 150.0
PER_SECOND = 70.0
"""Comments, and events: together what eight moderators may send without being taken for a flood."""
LIKE_SECONDS = 0.06
WARM_UP_SECONDS = 2.0
HEADER_BYTES = 4
BARE_FLUSHES = 40
SPARE_DESCRIPTORS = 200


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, nargs="+", default=[4_000, 10_000])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sizes = [_measure(viewers, options.seconds, options.rounds) for viewers in options.viewers]
    _result(sizes).print()


@dataclass(frozen=True, slots=True)
class Load:
    """One side at its limit."""

    frames: int
    payload_bytes: float
    cpu_seconds: float
    seconds: float
    sink_share: float

    @property
    def per_core_second(self) -> float:
        """Deliveries per second of CPU: what one core makes in a second if nobody else is on it."""
        return self.frames / self.cpu_seconds


@dataclass(frozen=True, slots=True)
class Size:
    """One audience's figures."""

    viewers: int
    pairs: list[tuple[Load, Load]]
    delays_ms: list[float]
    half_per_second: float

    @property
    def ratio(self) -> float:
        """The gateway's deliveries beside the bare loop's."""
        return statistics.median(full.per_core_second / loop.per_core_second for full, loop in self.pairs)

    @property
    def delay_ms_p99(self) -> float:
        """At half load."""
        return statistics.quantiles(self.delays_ms, n=100)[98]


def _measure(viewers: int, seconds: float, rounds: int) -> Size:
    with deployed() as deployment, full_room(deployment, viewers) as crowd:
        pairs = _rounds(deployment, crowd, seconds, rounds)
        flushes = statistics.median(full.frames / full.seconds for full, _ in pairs) / viewers
        half = _half_load(crowd, flushes / 2, seconds)
        crowd.require_all()
        return Size(viewers, pairs, crowd.delays_ms, half)


def _rounds(deployment: Deployment, crowd: Crowd, seconds: float, rounds: int) -> list[tuple[Load, Load]]:
    viewers = len(crowd.viewers)
    pairs = []
    most = allowed_descriptors(2 * viewers + SPARE_DESCRIPTORS)
    sockets = min(viewers, most - viewers - SPARE_DESCRIPTORS)
    with baseline("os_write") as child:
        bare = Sink(("127.0.0.1", child.port))
        bare.open([Line(number) for number in range(sockets)])
        for number in range(rounds):
            full = _full_load(deployment, crowd, seconds)
            loop = _bare_load(child, bare, crowd, sockets, full.payload_bytes)
            pairs.append((full, loop))
            print(
                f"{viewers} viewers, round {number + 1}: {full.frames / full.seconds:,.0f} deliveries/s with "
                f"{full.cpu_seconds / full.seconds:.0%} of a core; {full.per_core_second:,.0f} beside "
                f"{loop.per_core_second:,.0f} per second of CPU",
                flush=True,
            )
        bare.close()
    return pairs


def _full_load(deployment: Deployment, crowd: Crowd, seconds: float) -> Load:
    gateway, sink, me = deployment.process("gateway-1"), crowd.sink, this_process()
    crowd.talk(PER_SECOND)
    crowd.delete_comments(1 / PER_SECOND)
    crowd.like(LIKE_SECONDS)
    sink.run(WARM_UP_SECONDS)
    started, frames, size = time.monotonic(), sink.frames, sink.bytes
    cpu, own = gateway.cpu_seconds(), me.cpu_seconds()
    sink.run(seconds)
    passed = time.monotonic() - started
    cpu, own = gateway.cpu_seconds() - cpu, me.cpu_seconds() - own
    frames, size = sink.frames - frames, sink.bytes - size
    crowd.quiet()
    return Load(frames, size / frames - HEADER_BYTES, cpu, passed, own / passed)


def _bare_load(child: Child, sink: Sink, crowd: Crowd, sockets: int, payload_bytes: float) -> Load:
    wanted, me = BARE_FLUSHES * sockets, this_process()
    started, frames, own = time.monotonic(), sink.frames, me.cpu_seconds()
    cpu = child.process.cpu_seconds()
    child.order(f"{BARE_FLUSHES} {round(payload_bytes)} 0")
    while sink.frames - frames < wanted:
        sink.run(0.1)
        crowd.sink.run(0.001)  # answers pings
    if int(child.read()) != wanted:
        raise SinkFailed("the kernel did not take all of the bare loop's frames")
    passed = time.monotonic() - started
    cpu = child.process.cpu_seconds() - cpu
    return Load(wanted, payload_bytes, cpu, passed, (me.cpu_seconds() - own) / passed)


def _half_load(crowd: Crowd, flushes_per_second: float, seconds: float) -> float:
    """Half of the flushes are comments, half are events; leaves their delays in the crowd."""
    sink = crowd.sink
    crowd.talk(flushes_per_second / 2)
    crowd.delete_comments(2 / flushes_per_second)
    sink.run(WARM_UP_SECONDS)
    crowd.delays_ms.clear()
    frames = sink.frames
    sink.run(seconds)
    delivered = (sink.frames - frames) / seconds
    crowd.quiet()
    return delivered


def _result(sizes: list[Size]) -> Result:
    worst = min(sizes, key=lambda size: size.ratio)
    delay = max(size.delay_ms_p99 for size in sizes)
    return Result(
        name="fanout-max",
        value=round(statistics.median(full.per_core_second for full, _ in worst.pairs)),
        unit="deliveries per second of CPU",
        baseline=round(statistics.median(loop.per_core_second for _, loop in worst.pairs)),
        baseline_is="a bare os.write loop over as many sockets, frames as large",
        ratio=round(worst.ratio, 3),
        target=f"ratio >= {TARGET_RATIO}, p99 at half load <= {TARGET_DELAY_MS:.0f} ms, at every size",
        ok=worst.ratio >= TARGET_RATIO and delay <= TARGET_DELAY_MS,
        details={str(size.viewers): _describe(size) for size in sizes},
    )


def _describe(size: Size) -> dict[str, object]:
    fulls, loops = zip(*size.pairs, strict=True)
    return {
        "ratio": round(size.ratio, 3),
        "per_core_second": round(statistics.median(full.per_core_second for full in fulls)),
        "bare_sockets": round(loops[-1].frames / BARE_FLUSHES),
        "bare_per_core_second": round(statistics.median(loop.per_core_second for loop in loops)),
        "per_second": round(statistics.median(full.frames / full.seconds for full in fulls)),
        "gateway_share_of_core": round(statistics.median(f.cpu_seconds / f.seconds for f in fulls), 3),
        "sink_share_of_core": round(max(full.sink_share for full in fulls), 3),
        "payload_bytes": round(fulls[-1].payload_bytes),
        "half_load_per_second": round(size.half_per_second),
        "half_load_delay_ms_p50": round(statistics.median(size.delays_ms), 1),
        "half_load_delay_ms_p99": round(size.delay_ms_p99, 1),
    }


if __name__ == "__main__":
    main()
