"""Real Chromium, camera to screen: the picture shows the time it was drawn, and the viewer reads it.

Run as `python -m loadtests.bench.glass [--seconds 15]`.
"""

from __future__ import annotations

import argparse
import statistics

from loadtests.bench.chromium import chromium
from loadtests.bench.media_process import media_process
from loadtests.bench.result import Result

TARGET_MS = 200
FRAME_MS = 1000 / 30


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0)
    _measure(parser.parse_args().seconds).print()


def _measure(seconds: float) -> Result:
    with media_process() as server, chromium(server) as browser:
        host, viewer = browser.open(), browser.open()
        host.call("publishClock", *host.address("whip"))
        viewer.call("watchWhenLive", *viewer.address("whep"))
        viewer.until_frames(60)
        delays = viewer.call("readClock", seconds)
    value = statistics.median(delays)
    return Result(
        name="glass",
        value=round(value, 1),
        unit="ms from drawing to showing, median",
        baseline=round(FRAME_MS, 1),
        baseline_is="one frame at 30 a second, which no camera is faster than",
        ratio=round(value / FRAME_MS, 2),
        target=f"<= {TARGET_MS} ms on loopback",
        ok=value <= TARGET_MS,
        details={"frames": len(delays), "p95_ms": round(statistics.quantiles(delays, n=20)[18], 1)},
    )


if __name__ == "__main__":
    main()
