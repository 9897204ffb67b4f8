"""Several processes, one audience: workers tell the master what their people saw (locust's distributed mode).

Before the master audits it calls everybody home; each worker waits until its people have left, then gives
account.
"""

from __future__ import annotations

import time
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.audience.stage import stage_of

CALL_HOME, ACCOUNT = "call_home", "account"
LEAVING_SECONDS = 25.0
GATHERING_SECONDS = LEAVING_SECONDS + 20.0
LOOK_SECONDS = 0.2
NUMBERS_EACH = 500_000
"""People of one worker have numbers of their own, and with them addresses and luck."""


def connect(environment: Environment) -> None:
    """Makes a master hear its workers, and workers their master."""
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        runner.register_message(CALL_HOME, lambda **_: gevent.spawn(_go_home, environment, runner))
    elif isinstance(runner, MasterRunner):
        runner.register_message(ACCOUNT, lambda msg, **_: _hear(environment, msg.data))


def first_number(environment: Environment) -> int:
    """The first of the numbers of this process' people."""
    runner = environment.runner
    return (1 + runner.worker_index) * NUMBERS_EACH if isinstance(runner, WorkerRunner) else 0


def gather(environment: Environment) -> None:
    """Calls everybody home. A master waits for all workers' accounts; a missing one is evidence."""
    stage, runner = stage_of(environment), environment.runner
    stage.closing = True
    if not isinstance(runner, MasterRunner):
        return
    workers = len(runner.clients.all)
    runner.send_message(CALL_HOME)
    deadline = time.monotonic() + GATHERING_SECONDS
    while stage.accounts < workers and time.monotonic() < deadline:
        gevent.sleep(LOOK_SECONDS)
    if stage.accounts < workers:
        stage.witness.contradictions.append(f"{workers - stage.accounts} workers gave no account")


def _go_home(environment: Environment, runner: WorkerRunner) -> None:
    stage_of(environment).closing = True
    deadline = time.monotonic() + LEAVING_SECONDS
    while runner.user_count and time.monotonic() < deadline:
        gevent.sleep(LOOK_SECONDS)
    runner.send_message(ACCOUNT, stage_of(environment).witness.account())


def _hear(environment: Environment, account: dict[str, Any]) -> None:
    stage = stage_of(environment)
    stage.witness.hear(account)
    stage.accounts += 1
