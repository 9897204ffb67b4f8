"""The command that runs benchmarks."""

from __future__ import annotations

import pytest

from loadtests.bench.__main__ import benchmarks, main
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
