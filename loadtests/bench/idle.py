"""Resident memory per idle viewer who has joined, beside a bare transport's; and the CPU of all together."""

from __future__ import annotations

import argparse

from loadtests.baselines.child import baseline
from loadtests.bench.result import Result
from loadtests.crowd import full_room
from loadtests.deployment import deployed
from loadtests.processes import allow_descriptors
from loadtests.sink import Line, Sink

TARGET_BYTES = 8 * 1024
TARGET_SHARE = 0.02
FIRST = 500
"""Viewers who come before memory is first read: what a room costs once is not theirs."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    _measure(options.viewers, options.seconds).print()


def _measure(viewers: int, seconds: float) -> Result:
    with deployed() as deployment, full_room(deployment, FIRST) as crowd:
        gateway = deployment.process("gateway-1")
        before = gateway.resident_bytes()
        crowd.seat(viewers - FIRST)
        crowd.quiet()
        joined = gateway.resident_bytes()
        print(f"{viewers} viewers are in; watching them do nothing for {seconds:g} s", flush=True)
        cpu = gateway.cpu_seconds()
        crowd.sink.run(seconds)
        share = (gateway.cpu_seconds() - cpu) / seconds
        each = (gateway.resident_bytes() - before) / (viewers - FIRST)
        crowd.require_all()
    bare = _bare(viewers)
    return Result(
        name="idle",
        value=round(each),
        unit="bytes of resident memory per idle viewer",
        baseline=round(bare),
        baseline_is="a uvloop transport with an empty protocol object",
        ratio=round(each / bare, 2),
        target=f"<= {TARGET_BYTES} bytes, all together <= {TARGET_SHARE:.0%} of a core",
        ok=each <= TARGET_BYTES and share <= TARGET_SHARE,
        details={
            "viewers": viewers,
            "share_of_core": round(share, 4),
            "bytes_right_after_joining": round((joined - before) / (viewers - FIRST)),
            "gateway_resident_mb": round(joined / 1e6, 1),
        },
    )


def _bare(connections: int) -> float:
    """Bytes per connection."""
    allow_descriptors(connections + FIRST)
    with baseline("held") as child:
        sink = Sink(("127.0.0.1", child.port))
        sink.open([Line(number) for number in range(FIRST)])
        sink.run(0.5)
        before = child.process.resident_bytes()
        sink.open([Line(number) for number in range(FIRST, connections)])
        sink.run(0.5)
        after = child.process.resident_bytes()
        sink.close()
    return (after - before) / (connections - FIRST)


if __name__ == "__main__":
    main()
