"""Real Chromium: time from the wish to play to the first frame, on a warm page.

Run as `python -m loadtests.bench.first_frame [--rounds 15]`.
"""

from __future__ import annotations

import argparse
import statistics

from loadtests.bench.chromium import chromium
from loadtests.bench.media_process import media_process
from loadtests.bench.result import Result

TARGET_MS = 150


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    _measure(parser.parse_args().rounds).print()


def _measure(rounds: int) -> Result:
    with media_process() as server, chromium(server) as browser:
        host, viewer = browser.open(), browser.open()
        host.call("publish", *host.address("whip"), {"width": 1280, "height": 720}, False)
        first = browser.open()
        first.call("watchWhenLive", *first.address("whep"))
        first.until_frames(30)
        times, trips = [], []
        for number in range(rounds + 1):
            trips.append(viewer.call("roundTrip", f"http://127.0.0.1:{server.port}/healthz"))
            times.append(viewer.call("firstFrame", *viewer.address("whep")))
            viewer.call("leave")
            print(f"round {number}: {times[-1]:.0f} ms{' (cold)' if number == 0 else ''}")
    value, baseline = statistics.median(times[1:]), statistics.median(trips[1:])
    return Result(
        name="first-frame",
        value=round(value, 1),
        unit="ms from play to the first frame, median",
        baseline=round(baseline, 1),
        baseline_is="one small request of the page to the same server",
        ratio=round(value / baseline, 1),
        target=f"<= {TARGET_MS} ms",
        ok=value <= TARGET_MS,
        details={"rounds": rounds, "slowest_ms": round(max(times[1:]), 1)},
    )


if __name__ == "__main__":
    main()
