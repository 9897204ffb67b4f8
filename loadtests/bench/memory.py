"""Memory of a viewer after the handshake, and what is left when viewers have gone.

Run as `python -m loadtests.bench.memory [--viewers 200] [--rounds 5]`; `--rounds 50` makes it ten thousand
connects and leaves, none of which may leave a descriptor or a task, nor all of them a megabyte.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import httpx

from loadtests.bench.audience import Audience
from loadtests.bench.media_process import GENERATOR_CORE, MediaProcess, media_process, pin
from loadtests.bench.result import Result

TARGET_BYTES = 30 * 1024
FREED_SECONDS = 27.0
"""Handshakes are kept for 5 s, and free pages returned every 10 until twice after that."""
WARM_SHARE = 0.2
"""Of the rounds: the allocator's pages have found their places then, and what grows afterwards is a leak."""
MAX_GROWN_BYTES = 1 << 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    _measure(arguments.viewers, arguments.rounds).print()


def _measure(viewers: int, rounds: int) -> Result:
    with media_process() as server:
        pin(0, GENERATOR_CORE)
        audience = Audience(server)
        audience.publish(nearly_silent=True)
        # The allocator keeps what the first round's handshakes took; viewers after it show their own size.
        audience.join(viewers)
        audience.run(FREED_SECONDS)
        before = server.resident_bytes()
        audience.join(viewers, first=viewers + 1)
        audience.run(FREED_SECONDS)
        each = (server.resident_bytes() - before) / viewers
        audience.leave()
        warm = round(rounds * WARM_SHARE)
        _come_and_go(server, audience, viewers, range(warm))
        audience.run(FREED_SECONDS)
        warmed, descriptors, tasks = server.resident_bytes(), _descriptors(server), _tasks(server)
        _come_and_go(server, audience, viewers, range(warm, rounds))
        audience.run(FREED_SECONDS)
        grown = server.resident_bytes() - warmed
        left, tasks_left = _descriptors(server) - descriptors, _tasks(server) - tasks
        audience.close()
    return Result(
        name="memory",
        value=round(each / 1024, 1),
        unit="KiB per viewer after the handshake",
        baseline=TARGET_BYTES / 1024,
        baseline_is="the target",
        ratio=round(each / TARGET_BYTES, 2),
        target=f"<= {TARGET_BYTES // 1024} KiB, no descriptor, task or megabyte left",
        ok=each <= TARGET_BYTES and left <= 0 and tasks_left <= 0 and grown < MAX_GROWN_BYTES,
        details={
            "viewers": viewers,
            "joins_and_leaves": rounds * viewers,
            "grown_bytes_per_join": round(grown / ((rounds - warm) * viewers), 1),
            "descriptors_left": left,
            "tasks_left": tasks_left,
            "grown_bytes": grown,
        },
    )


def _come_and_go(server: MediaProcess, audience: Audience, viewers: int, rounds: range) -> None:
    for number in rounds:
        audience.join(viewers)
        audience.leave()
        print(f"round {number + 1}: {server.resident_bytes() / 2**20:.1f} MB with nobody watching")


def _tasks(server: MediaProcess) -> int:
    metrics = httpx.get(f"http://127.0.0.1:{server.port}/metrics", trust_env=False).text
    return int(float(metrics.partition("\nmedia_tasks ")[2].partition("\n")[0]))


def _descriptors(server: MediaProcess) -> int:
    return len(os.listdir(Path("/proc") / str(server.pid) / "fd"))  # noqa: PTH208 - names alone are counted


if __name__ == "__main__":
    main()
