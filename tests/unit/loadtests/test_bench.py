"""The command that runs benchmarks."""

from __future__ import annotations

import pytest

from loadtests.bench.__main__ import benchmarks, main, markdown
from loadtests.machine import machine


def test_benchmarks_are_found_and_their_parts_are_not() -> None:
    found = set(benchmarks())
    assert {"fanout", "fanout_max", "idle", "join", "comments", "nodes"} <= found
    assert not {"result", "wire", "__main__", "__init__"} & found


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such-thing"]) == 2
    assert "no-such-thing" in capsys.readouterr().out


def test_the_machine_is_described() -> None:
    assert "Python" in machine()


def test_the_table_says_what_missed_its_target() -> None:
    result = {
        "name": "join",
        "value": 1234.5,
        "unit": "ms",
        "baseline": 0.21,
        "baseline_is": "a bare handshake",
        "ratio": 3.8,
        "target": "<= 1.7",
        "ok": False,
    }
    *_, row = markdown([result]).splitlines()
    assert row == "| `join` | 1,234.5 ms | 0.21, a bare handshake | 3.8 | <= 1.7 | **no** |"
