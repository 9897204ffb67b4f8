"""The audience under locust's own command, as a master and two workers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from loadtests.deployment import Deployment
from tests.integration.loadtests.test_swarm import LAWS
from tests.servers import free_port

SECONDS_AT_MOST = 180


def locust(
    deployment: Deployment, *arguments: str, output: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """One process of it."""
    words = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", *arguments]
    environ = {**os.environ, "TOKEN_SECRET": deployment.secret, "COLUMNS": "160"}
    return subprocess.Popen(words, env=environ, stdout=output, stderr=subprocess.STDOUT, text=True)


@contextmanager
def workers(deployment: Deployment, count: int, port: int) -> Iterator[None]:
    """So many workers, who look for their master at a port and end with it."""
    with ExitStack() as stack:
        for _ in range(count):
            worker = stack.enter_context(locust(deployment, "--worker", "--master-port", str(port)))
            stack.callback(worker.kill)
        yield


def show(deployment: Deployment, port: int) -> tuple[int, str]:
    """A master's exit code, and what it said."""
    with locust(
        deployment,
        *("--host", deployment.url, "--data-dir", str(deployment.data_dir)),
        *("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port)),
        *("--expect-workers", "2", "--headless", "--only-summary"),
        *("-u", "20", "-r", "20", "-t", "20s", "--seed", "7", "--patience", "90"),
        output=subprocess.PIPE,
    ) as master:
        try:
            said, _ = master.communicate(timeout=SECONDS_AT_MOST)
        finally:
            master.kill()
    return master.returncode, said


def test_people_of_two_workers_buy_in_one_show_and_the_master_judges(deployment: Deployment) -> None:
    port = free_port()
    with workers(deployment, 2, port):
        code, said = show(deployment, port)
    assert code == 0, said
    orders = [int(found) for found in re.findall(r"Worker \d gives account: (\d+) orders", said)]
    assert len(orders) == 2, said
    assert min(orders) > 0, said
    assert "orders: pays" in said
    assert said.count("holds") == LAWS
    assert "nothing is oversold (checked: 0)" not in said
