"""Several processes, one audience (locust's distributed mode).

The master alone plans the show and tells its workers before it sends them people. Before it audits it calls
everybody home; each worker waits until its people have left, then gives account of what they saw.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

import gevent
from locust import runners
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.audience.catching_up import CATCHING_UP_SECONDS, catch_up
from loadtests.audience.stage import Stage, stage_of
from loadtests.programme import Programme
from loadtests.terminal import say

PROGRAMME, STORM, CALL_HOME, ACCOUNT = "programme", "storm", "call_home", "account"
LIVENESS_SECONDS = 20
"""So long a worker may say nothing: people of one that is only slow must not be sent to another as well."""
LEAVING_SECONDS = 25.0
GATHERING_SECONDS = CATCHING_UP_SECONDS + LEAVING_SECONDS + 20.0
LOOK_SECONDS = 0.2
NUMBERS_EACH = 500_000
"""People of one worker have numbers of their own, and with them addresses and luck."""


def connect(environment: Environment) -> None:
    """Makes a master hear its workers, and workers their master."""
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        runner.register_message(PROGRAMME, lambda msg, **_: _learn(environment, Programme(**msg.data)))
        runner.register_message(STORM, lambda **_: stage_of(environment).storm())
        runner.register_message(CALL_HOME, lambda **_: gevent.spawn(_go_home, environment, runner))
    elif isinstance(runner, MasterRunner):
        vars(runners)["HEARTBEAT_LIVENESS"] = LIVENESS_SECONDS
        runner.register_message(ACCOUNT, lambda msg, **_: _hear(environment, msg.data))
        environment.events.worker_connect.add_listener(  # type: ignore[no-untyped-call]
            lambda client_id, **_: _tell(environment, runner, client_id)
        )


def agree(environment: Environment, make: Callable[[], Programme]) -> Programme:
    """The programme: made here, or heard from the master where there is one."""
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        return cast(Programme, vars(environment)[PROGRAMME])
    _learn(environment, make())
    if isinstance(runner, MasterRunner):
        _tell(environment, runner)
    return cast(Programme, vars(environment)[PROGRAMME])


def _learn(environment: Environment, programme: Programme) -> None:
    vars(environment)[PROGRAMME] = programme


def _tell(environment: Environment, runner: MasterRunner, worker: str | None = None) -> None:
    """Tells one worker, or all; messages arrive in order, so before people do."""
    if PROGRAMME in vars(environment):
        runner.send_message(PROGRAMME, asdict(vars(environment)[PROGRAMME]), worker)


def first_number(environment: Environment) -> int:
    """The first of the numbers of this process' people."""
    runner = environment.runner
    return (1 + runner.worker_index) * NUMBERS_EACH if isinstance(runner, WorkerRunner) else 0


def storm(environment: Environment) -> None:
    """Makes everybody's network be lost, here and in all workers."""
    stage_of(environment).storm()
    if isinstance(environment.runner, MasterRunner):
        environment.runner.send_message(STORM)


def gather(environment: Environment) -> None:
    """Calls everybody home. A master waits for all workers' accounts; a missing one is evidence."""
    stage, runner = stage_of(environment), environment.runner
    if not isinstance(runner, MasterRunner):
        _close(stage)
        return
    stage.closing = True
    workers = len(runner.clients.all)
    runner.send_message(CALL_HOME)
    deadline = time.monotonic() + GATHERING_SECONDS
    while stage.accounts < workers and time.monotonic() < deadline:
        gevent.sleep(LOOK_SECONDS)
    if stage.accounts < workers:
        stage.witness.contradictions.append(f"{workers - stage.accounts} workers gave no account")


def _close(stage: Stage) -> None:
    """Nobody leaves before they have heard everything."""
    if not stage.closing:
        catch_up(stage, gevent.sleep)
        stage.closing = True


def _go_home(environment: Environment, runner: WorkerRunner) -> None:
    _close(stage_of(environment))
    deadline = time.monotonic() + LEAVING_SECONDS
    while runner.user_count and time.monotonic() < deadline:
        gevent.sleep(LOOK_SECONDS)
    runner._send_stats()  # so that the master has measured all when it has the account
    account = stage_of(environment).witness.account()
    runner.send_message(ACCOUNT, {"worker": runner.worker_index, **account})


def _hear(environment: Environment, account: dict[str, Any]) -> None:
    stage = stage_of(environment)
    stage.witness.hear(account)
    stage.accounts += 1
    say(
        f"Worker {account['worker'] + 1} gives account: {len(account['purchases'])} orders, "
        f"{account['control_events']} control events seen"
    )
