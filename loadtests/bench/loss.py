"""Real Chromium over lines that lose packets each way, publisher and viewer alike.

Run as `python -m loadtests.bench.loss [--percent 0,1,3,5,10] [--seconds 15]`. Its value is the part of the
sent frames that was decoded at 3%; the baseline is the same at the first percentage, usually 0.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from loadtests.bench.chromium import Tab, chromium
from loadtests.bench.media_process import media_process
from loadtests.bench.relay import relay
from loadtests.bench.result import Result

TARGET_AT, TARGET_PART = 3.0, 0.99
SETTLE_SECONDS = 3.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--percent", default="0,1,3,5,10")
    parser.add_argument("--seconds", type=float, default=15.0)
    arguments = parser.parse_args()
    percents = [float(part) for part in arguments.percent.split(",")]
    rows = {percent: _measure(percent, arguments.seconds) for percent in percents}
    judged = rows.get(TARGET_AT, rows[percents[-1]])
    first = rows[percents[0]]
    Result(
        name="loss",
        value=judged["decoded"],
        unit=f"of the frames sent are decoded at {TARGET_AT:g}% loss each way",
        baseline=first["decoded"],
        baseline_is=f"the same at {percents[0]:g}%",
        ratio=round(judged["decoded"] / max(first["decoded"], 0.001), 3),
        target=f">= {TARGET_PART:.0%} of the frames at {TARGET_AT:g}%",
        ok=judged["decoded"] >= TARGET_PART,
        details={f"{percent:g}%": row for percent, row in rows.items()},
    ).print()


def _measure(percent: float, seconds: float) -> dict[str, Any]:
    with (
        media_process() as server,
        relay(server.udp_port, loss=percent / 100) as port,
        chromium(server) as browser,
    ):
        host, viewer = browser.open(port), browser.open(port)
        host.call("publish", *host.address("whip"), {"width": 640, "height": 360}, False)
        viewer.call("watchWhenLive", *viewer.address("whep"))
        viewer.until_frames(30)
        time.sleep(SETTLE_SECONDS)
        before = _counts(host, viewer)
        time.sleep(seconds)
        after = _counts(host, viewer)
    passed = {name: after[name] - before[name] for name in before}
    row = {
        "decoded": round(passed["decoded"] / max(1, passed["sent"]), 4),
        "frames": passed["decoded"],
        "freezes": passed["freezes"],
        "concealed": round(passed["concealed"] / max(1, passed["samples"]), 4),
        "nacks": passed["nacks"],
    }
    print(f"{percent:g}%: {row}")
    return row


def _counts(host: Tab, viewer: Tab) -> dict[str, int]:
    sent, received = host.stats("outbound-rtp")["video"], viewer.stats("inbound-rtp")
    video, audio = received["video"], received["audio"]
    return {
        "sent": sent["framesSent"],
        "decoded": video["framesDecoded"],
        "freezes": video.get("freezeCount", 0),
        "nacks": video.get("nackCount", 0),
        "concealed": audio.get("concealedSamples", 0),
        "samples": audio.get("totalSamplesReceived", 0),
    }


if __name__ == "__main__":
    main()
