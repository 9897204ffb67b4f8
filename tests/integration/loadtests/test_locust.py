"""The audience under locust's own command: alone, and as a master and two workers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from loadtests.deployment import Deployment, deployed
from loadtests.scenario import Incident
from tests.integration.loadtests.test_swarm import LAWS
from tests.servers import free_port

SECONDS_AT_MOST = 240
PEOPLE = 20


def locust(secret: str, *arguments: str, output: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    """One process of it."""
    words = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", *arguments]
    environ = {**os.environ, "TOKEN_SECRET": secret, "COLUMNS": "160"}
    return subprocess.Popen(words, env=environ, stdout=output, stderr=subprocess.STDOUT, text=True)


@contextmanager
def workers(secret: str, count: int, port: int) -> Iterator[None]:
    """So many workers, who look for their master at a port and end with it."""
    with ExitStack() as stack:
        for _ in range(count):
            worker = stack.enter_context(locust(secret, "--worker", "--master-port", str(port)))
            stack.callback(worker.kill)
        yield


def show(
    deployment: Deployment, report: Path, *arguments: str, data_dir: Path | None = None
) -> tuple[int, str]:
    """The exit code of whoever judges a show, and what it said."""
    with locust(
        deployment.secret,
        *("--host", deployment.url, "--data-dir", str(data_dir or deployment.data_dir)),
        *("--headless", "--only-summary", "-u", str(PEOPLE), "-r", str(PEOPLE), "--seed", "7"),
        *("--patience", "90", "--report", str(report), *arguments),
        output=subprocess.PIPE,
    ) as judging:
        try:
            said, _ = judging.communicate(timeout=SECONDS_AT_MOST)
        finally:
            judging.kill()
    return judging.returncode, said


def read(report: Path) -> dict[str, Any]:
    """What a report says, which is a page too."""
    assert "<svg" in (report / "index.html").read_text()
    found: dict[str, Any] = json.loads((report / "report.json").read_text())
    return found


def test_people_of_two_workers_lose_the_network_come_back_and_buy_in_one_show_that_the_master_judges(
    deployment: Deployment, tmp_path: Path
) -> None:
    port = free_port()
    master = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port))
    with workers(deployment.secret, 2, port):
        code, said = show(
            deployment,
            tmp_path,
            *master,
            "--expect-workers",
            "2",
            "--scenario",
            "reconnect-storm",
            "-t",
            "24s",
        )
    assert code == 0, said
    orders = [int(found) for found in re.findall(r"Worker \d gives account: (\d+) orders", said)]
    assert len(orders) == 2, said
    assert min(orders) > 0, said
    assert said.count("holds") == LAWS
    assert "nothing is oversold (checked: 0)" not in said
    report = read(tmp_path)
    assert [law["holds"] for law in report["laws"]] == [True] * LAWS
    assert [one["what"] for one in report["occurrences"]] == [Incident.STORM] * 2
    assert report["outcomes"]["connections lost: the viewer's network"] > PEOPLE
    assert report["outcomes"]["orders: pays"] > 0
    assert report["people"] == PEOPLE
    assert max(one["people"] for one in report["attendance"]) > PEOPLE // 2
    assert {"swarm", "swarm 1", "swarm 2", "gateway-1"} <= set(report["samples"])
    for kind in ("answer", "news"):
        measured = sum(row["count"] for row in report["measurements"] if row["kind"] == kind)
        assert 0 < sum(one["count"] for one in report["timeline"][kind]) == measured, kind
    assert report["timeline"]["generator"]
    assert report["drawn"]["REACTION"]


def test_viewers_follow_the_hints_of_gateways_that_restart_and_miss_nothing(tmp_path: Path) -> None:
    with deployed(workers=2) as deployment:
        code, said = show(deployment, tmp_path, "--scenario", "rolling-restart", "-t", "30s")
    assert code == 0, said
    report = read(tmp_path)
    assert [law["holds"] for law in report["laws"]] == [True] * LAWS
    restarted = [one["target"] for one in report["occurrences"]]
    assert restarted == ["gateway-1", "gateway-2"] * 2
    assert not any(one["missed"] for one in report["occurrences"])
    assert report["outcomes"]["drain hints followed"] >= PEOPLE // 2


def test_a_rolling_restart_of_a_server_that_nobody_here_supervises_is_refused(
    deployment: Deployment, tmp_path: Path
) -> None:
    code, said = show(deployment, tmp_path, "--scenario", "rolling-restart", data_dir=tmp_path)
    assert code == 2, said
    assert "rolling-restart restarts the gateways" in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())
