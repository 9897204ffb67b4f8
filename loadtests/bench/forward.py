"""CPU per packet and viewer of streams forwarded in real time, beside bare `sendmmsg`.

Run as `python -m loadtests.bench.forward [--viewers 500] [--seconds 10] [--rounds 3] [--streams 1]
[--egress native|python]`; `--streams 50 --viewers 1000` is fifty rooms of twenty viewers.
"""

from __future__ import annotations

import argparse
import resource
import socket
import statistics
import time
from dataclasses import dataclass

from loadtests.bench.audience import (
    FRAMES_PER_SECOND,
    PACKETS_PER_FRAME,
    SOUNDS_PER_SECOND,
    VIDEO_PAYLOAD,
    Audience,
)
from loadtests.bench.media_process import GENERATOR_CORE, SERVER_CORE, MediaProcess, media_process, pin
from loadtests.bench.result import Result
from loadtests.bench.wire import BareBurst, Wire

TARGET_RATIOS = {"native": 1.8, "python": 3.5}
TARGET_DELAY_SECONDS = 0.025
DELAY_VIEWERS = 500
"""As many as the delay is promised for; with more the generator's one core is late itself."""
MIN_DELIVERED = 0.99
SETTLING_SECONDS = 6.0
"""Until replays are over and handshakes freed."""
SRTP_OVERHEAD = 12 + 16
PACKETS_PER_SECOND = FRAMES_PER_SECOND * PACKETS_PER_FRAME + SOUNDS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Round:
    """What the server spent while an audience watched for a while."""

    cost_seconds: float
    """Of CPU per packet and viewer."""
    share_of_core: float
    delivered: float
    """Of all packets that were due."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--egress", choices=TARGET_RATIOS, default="native")
    arguments = parser.parse_args()
    _measure(arguments).print()


def _measure(arguments: argparse.Namespace) -> Result:
    viewers, egress = arguments.viewers, arguments.egress
    with media_process(can_compile=egress == "native") as server:
        pin(0, GENERATOR_CORE)
        audience = Audience(server, arguments.streams)
        audience.publish()
        audience.join(viewers)
        audience.run(SETTLING_SECONDS)
        rounds = watch(server, audience, viewers, arguments.seconds, arguments.rounds)
        audience.close()
    baseline = _baseline(viewers)
    cost = statistics.median(one.cost_seconds for one in rounds)
    share = statistics.median(one.share_of_core for one in rounds)
    seen = statistics.median(one.delivered for one in rounds)
    delay = statistics.quantiles(audience.delays, n=100)[98]
    ratio = cost / baseline
    return Result(
        name="forward",
        value=round(cost * 1e6, 3),
        unit="µs of CPU per packet and viewer",
        baseline=round(baseline * 1e6, 3),
        baseline_is="bare sendmmsg of as large packets to as many addresses",
        ratio=round(ratio, 2),
        target=_target(arguments),
        ok=seen >= MIN_DELIVERED
        and (arguments.streams > 1 or ratio <= TARGET_RATIOS[egress])
        and (not _promises_delay(arguments) or delay <= TARGET_DELAY_SECONDS),
        details={
            "egress": egress,
            "viewers": viewers,
            "streams": arguments.streams,
            "share_of_core": round(share, 3),
            "viewers_per_core": round(viewers * min(1.0, seen) / share),
            "delay_ms_p50": round(statistics.median(audience.delays) * 1000, 1),
            "delay_ms_p99": round(delay * 1000, 1),
            "delivered": round(seen, 4),
            "generator_late_ms": round(audience.late_seconds * 1000, 1),
        },
    )


def watch(server: MediaProcess, audience: Audience, viewers: int, seconds: float, rounds: int) -> list[Round]:
    """Let an audience watch; the delays it keeps are those of these rounds."""
    audience.delays.clear()
    audience.late_seconds = 0.0
    return [_round(server, audience, viewers, seconds, number + 1) for number in range(rounds)]


def _round(server: MediaProcess, audience: Audience, viewers: int, seconds: float, number: int) -> Round:
    received, cpu, at = audience.wire.received, server.cpu_seconds(), time.monotonic()
    audience.run(seconds)
    received, cpu = audience.wire.received - received, server.cpu_seconds() - cpu
    passed = time.monotonic() - at
    cost = cpu / max(1, received)
    print(f"round {number}: {cost * 1e6:.2f} µs a packet, {cpu / passed:.0%} of a core", flush=True)
    return Round(cost, cpu / passed, received / (passed * viewers * PACKETS_PER_SECOND))


def _target(arguments: argparse.Namespace) -> str:
    if arguments.streams > 1:
        return f"reported; {MIN_DELIVERED:.0%} delivered"
    wanted = [f"ratio <= {TARGET_RATIOS[arguments.egress]}", f"{MIN_DELIVERED:.0%} delivered"]
    if _promises_delay(arguments):
        wanted.insert(1, f"p99 added delay <= {TARGET_DELAY_SECONDS * 1000:.0f} ms")
    return ", ".join(wanted)


def _promises_delay(arguments: argparse.Namespace) -> bool:
    return arguments.streams == 1 and arguments.viewers <= DELAY_VIEWERS  # type: ignore[no-any-return]


def _baseline(viewers: int) -> float:
    """Return seconds of CPU per packet, median of several rounds."""
    pin(0, SERVER_CORE)
    wire = Wire()
    costs = []
    burst = BareBurst(bytes(VIDEO_PAYLOAD + SRTP_OVERHEAD), wire.port, viewers, PACKETS_PER_FRAME)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(20):
            before = _own_cpu_seconds()
            burst.send(sender)
            costs.append((_own_cpu_seconds() - before) / burst.total)
            for _datagram in wire.receive():
                pass
    wire.close()
    return statistics.median(costs)


def _own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
