"""CPU per delivered frame of a lively room in the real gateway, beside a bare ``os.write`` loop.

Both run on the server's core and write to as many sockets of the same process; the loop's frames are as large
and as frequent as the gateway's were in the same round.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass

from loadtests.baselines.child import Child, baseline
from loadtests.bench.result import Result
from loadtests.crowd import Crowd, full_room
from loadtests.deployment import Deployment, deployed
from loadtests.processes import this_process
from loadtests.sink import Line, Sink

TARGET_RATIO = 1.25
COMMENTS_PER_SECOND = 40.0
LIKE_SECONDS, PIN_SECONDS = 0.1, 1.0
WARM_UP_SECONDS = 2.0
HEADER_BYTES = 4


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=4_000)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each half of a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    _measure(options.viewers, options.seconds, options.rounds).print()


@dataclass(frozen=True, slots=True)
class Round:
    """What one side delivered, and what it cost."""

    frames: int
    payload_bytes: float
    """Mean size."""
    cpu_seconds: float
    seconds: float
    sink_share: float
    """Of a core; near one, the sink was the limit."""

    @property
    def micros(self) -> float:
        """CPU per delivered frame."""
        return self.cpu_seconds / self.frames * 1e6


def _measure(viewers: int, seconds: float, rounds: int) -> Result:
    with deployed() as deployment, full_room(deployment, viewers) as crowd, baseline("os_write") as child:
        bare = Sink(("127.0.0.1", child.port))
        bare.open([Line(number) for number in range(viewers)])
        pairs = []
        for number in range(rounds):
            real = gateway_round(deployment, crowd, seconds)
            loop = _bare_round(child, bare, crowd, real)
            pairs.append((real, loop))
            print(
                f"round {number + 1}: gateway {real.micros:.2f} µs, bare {loop.micros:.2f} µs a frame; "
                f"{real.frames / real.seconds / viewers:.1f} frames/s of {real.payload_bytes:.0f} bytes",
                flush=True,
            )
        crowd.require_all()
        bare.close()
    return _result(pairs, viewers, crowd)


def gateway_round(deployment: Deployment, crowd: Crowd, seconds: float) -> Round:
    """A lively room for a while: comments, hearts and pins."""
    gateway, sink, me = deployment.process("gateway-1"), crowd.sink, this_process()
    crowd.talk(COMMENTS_PER_SECOND)
    crowd.like(LIKE_SECONDS)
    crowd.pin_and_unpin(PIN_SECONDS)
    sink.run(WARM_UP_SECONDS)
    frames, size, cpu, own = sink.frames, sink.bytes, gateway.cpu_seconds(), me.cpu_seconds()
    sink.run(seconds)
    cpu, own = gateway.cpu_seconds() - cpu, me.cpu_seconds() - own
    frames, size = sink.frames - frames, sink.bytes - size
    crowd.quiet()
    return Round(frames, size / frames - HEADER_BYTES, cpu, seconds, own / seconds)


def _bare_round(child: Child, sink: Sink, crowd: Crowd, real: Round) -> Round:
    viewers = len(crowd.viewers)
    flushes = max(1, round(real.frames / viewers))
    me = this_process()
    frames, size, cpu, own = sink.frames, sink.bytes, child.process.cpu_seconds(), me.cpu_seconds()
    child.order(f"{flushes} {round(real.payload_bytes)} {real.seconds / flushes}")
    while sink.frames - frames < flushes * viewers:
        sink.run(0.1)
        crowd.sink.run(0.001)  # answers pings
    whole = int(child.read())
    if whole != flushes * viewers:
        raise RuntimeError("the kernel did not take all of the bare loop's frames")
    cpu, own = child.process.cpu_seconds() - cpu, me.cpu_seconds() - own
    frames, size = sink.frames - frames, sink.bytes - size
    return Round(frames, size / frames - HEADER_BYTES, cpu, real.seconds, own / real.seconds)


def _result(pairs: list[tuple[Round, Round]], viewers: int, crowd: Crowd) -> Result:
    reals, loops = zip(*pairs, strict=True)
    ratio = statistics.median(real.micros / loop.micros for real, loop in pairs)
    return Result(
        name="fanout",
        value=round(statistics.median(real.micros for real in reals), 3),
        unit="µs of CPU per delivered frame",
        baseline=round(statistics.median(loop.micros for loop in loops), 3),
        baseline_is="a bare os.write loop over as many sockets, frames as large and as frequent",
        ratio=round(ratio, 3),
        target=f"ratio <= {TARGET_RATIO}",
        ok=ratio <= TARGET_RATIO,
        details={
            "viewers": viewers,
            "ratios": [round(real.micros / loop.micros, 3) for real, loop in pairs],
            "frames_per_viewer_and_second": round(reals[-1].frames / reals[-1].seconds / viewers, 1),
            "payload_bytes": round(reals[-1].payload_bytes),
            "gateway_share_of_core": round(statistics.median(r.cpu_seconds / r.seconds for r in reals), 3),
            "sink_share_of_core": round(max(r.sink_share for r in reals), 3),
            "delay_ms_p50": round(statistics.median(crowd.delays_ms), 1),
            "delay_ms_p99": round(statistics.quantiles(crowd.delays_ms, n=100)[98], 1),
            "host_answers": dict(crowd.answers),
        },
    )


if __name__ == "__main__":
    main()
