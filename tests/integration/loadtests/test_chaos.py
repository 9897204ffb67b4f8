"""The nemesis, for as long as a test may last: everything breaks, and every law holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from loadtests.run import Run
from tests.integration.loadtests.test_swarm import LAWS

SECONDS_AT_MOST = 420
MINUTES = "1"


def test_whatever_is_killed_paused_cut_or_filled_every_law_holds(tmp_path: Path) -> None:
    words = ["--minutes", MINUTES, "--seed", "7", "--users", "30", "--report", str(tmp_path)]
    run = subprocess.run(
        [sys.executable, "-m", "loadtests.chaos", *words],
        capture_output=True,
        text=True,
        timeout=SECONDS_AT_MOST,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6_000:] + run.stderr[-3_000:]
    report = msgspec.json.decode((tmp_path / "report.json").read_bytes(), type=Run)
    assert [law.holds for law in report.laws] == [True] * LAWS
    assert sum(not one.missed for one in report.occurrences) >= 10
    assert report.outcomes["wishes granted"] > 0
    assert "<svg" in (tmp_path / "index.html").read_text()
