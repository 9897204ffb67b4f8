"""The command that runs benchmarks."""

from __future__ import annotations

from pathlib import Path

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


A_RESULT = {
    "name": "join",
    "value": 1234.5,
    "unit": "ms",
    "baseline": 0.21,
    "baseline_is": "a bare handshake",
    "ratio": 3.8,
    "target": "<= 1.7",
    "ok": False,
}


def test_the_table_says_what_missed_its_target() -> None:
    *_, row = markdown({"join": A_RESULT}).splitlines()
    assert row == "| `join` | 1,234.5 ms | 0.21, a bare handshake | 3.8 | <= 1.7 | **no** |"


def test_the_table_names_one_that_did_not_finish() -> None:
    *_, failed, row = markdown({"idle": None, "join": A_RESULT}).splitlines()
    assert failed.startswith("| `idle` | did not finish |")
    assert row.startswith("| `join` |")


def test_one_that_fails_fails_the_run_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("loadtests.bench.__main__._run", lambda name, _: None if name == "idle" else A_RESULT)
    assert main(["idle", "join"]) == 1
    assert "1 of 2 did not finish: idle" in capsys.readouterr().out
    written = (tmp_path / "reports" / "bench.md").read_text()
    assert "did not finish" in written
    assert "1,234.5 ms" in written
