"""A fail point kills once, and only when it is asked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

SCRIPT = "from livecommerce.fail_points import reach; reach('here'); print('passed')"


def run(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_the_variable_nothing_happens() -> None:
    assert run({}).stdout == "passed\n"


def test_another_name_passes(tmp_path: Path) -> None:
    assert run({"FAIL_POINT": "there", "FAIL_POINT_MARK": str(tmp_path / "mark")}).stdout == "passed\n"


def test_the_named_point_kills_once(tmp_path: Path) -> None:
    environ = {"FAIL_POINT": "here", "FAIL_POINT_MARK": str(tmp_path / "mark")}
    assert run(environ).returncode == -signal.SIGKILL
    assert run(environ).stdout == "passed\n"
