"""The swarm as a user runs it: against the whole product, with an audit that can fail."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from loadtests.deployment import Deployment, deployed
from tests.cluster import ValkeyCluster
from tests.servers import free_port

LAWS = 12


def swarm(secret: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    words = [sys.executable, "-m", "loadtests.swarm", *arguments]
    environ = {**os.environ, "TOKEN_SECRET": secret, "COLUMNS": "160"}
    return subprocess.run(words, env=environ, capture_output=True, text=True, timeout=180, check=False)


def a_show(
    deployment: Deployment, data_dir: Path, patience: int, seconds: int = 12
) -> subprocess.CompletedProcess[str]:
    """A short show with a small audience."""
    return swarm(
        deployment.secret,
        *("--host", deployment.url, "--data-dir", str(data_dir)),
        *(
            "--users",
            "40",
            "--seconds",
            str(seconds),
            "--seed",
            "7",
            "--stock",
            "6",
            "--patience",
            str(patience),
        ),
    )


def test_an_audience_buys_and_every_law_holds(deployment: Deployment) -> None:
    run = a_show(deployment, deployment.data_dir, 90)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("holds") == LAWS
    assert "wishes granted" in run.stdout
    assert "wishes refused: sold_out" in run.stdout
    assert "nothing is oversold (checked: 0)" not in run.stdout


def test_every_law_holds_on_a_cluster_too(cluster: ValkeyCluster) -> None:
    with deployed(workers=2, redis_url=cluster.url) as deployment:
        assert len(deployment.gateways()) == 2
        run = a_show(deployment, deployment.data_dir, 90, seconds=8)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("holds") == LAWS
    assert "wishes granted" in run.stdout


def test_orders_that_are_missing_in_the_ledger_fail_the_run(deployment: Deployment, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as empty:
        empty.execute("CREATE TABLE ledger_entries (number INTEGER PRIMARY KEY, document TEXT)")
    run = a_show(deployment, tmp_path, 2)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "BROKEN every paid order is in the ledger once" in run.stdout
    assert "is paid and not in the ledger" in run.stdout


def test_other_machines_are_not_put_under_load() -> None:
    run = swarm("x" * 32, "--host", "http://192.0.2.1:8000")
    assert run.returncode == 2
    assert "loopback" in run.stdout


def test_a_server_that_does_not_run_is_one_sentence() -> None:
    run = swarm("x" * 32, "--host", f"http://127.0.0.1:{free_port()}")
    assert run.returncode == 2
    assert "does not answer" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr
