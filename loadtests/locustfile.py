"""The same audience under locust's own command: ``locust -f loadtests/locustfile.py --host http://127.0.0.1:8000``.

With its web page one chooses numbers as the show goes on. Acts of half a minute (shorter ones where
``--run-time`` asks for a shorter show) repeat until the test is stopped. The audit follows, and
``--headless`` runs exit with its result: 0 all laws hold, 1 a law is broken, 2 nothing was proved, since no
sale opened.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # locust puts only this folder on the path

from loadtests.audience.brand import Brand
from loadtests.audience.buyer import Buyer
from loadtests.audience.commenter import Commenter
from loadtests.audience.gathering import LEAVING_SECONDS, agree, connect, first_number, gather
from loadtests.audience.host import Host
from loadtests.audience.sharer import Sharer
from loadtests.audience.stage import has_stage, set_stage, stage_of
from loadtests.audience.troll import Troll
from loadtests.audience.viewer import Viewer
from loadtests.backstage import Backstage
from loadtests.people import read_secret
from loadtests.programme import Programme, plan
from loadtests.settling import settle
from loadtests.stores import stores_of
from loadtests.swarm import Target, add_show_options, prepare
from loadtests.terminal import print_judgement, print_outcomes, say

__all__ = ["Brand", "Buyer", "Commenter", "Host", "Sharer", "Troll", "Viewer"]

ACTS_SECONDS = 60.0
"""Two acts a minute, nearly."""


@events.init_command_line_parser.add_listener
def _add_options(parser: argparse.ArgumentParser) -> None:
    add_show_options(parser)


@events.init.add_listener
def _connect(environment: Environment, **_: Any) -> None:
    environment.stop_timeout = environment.stop_timeout or LEAVING_SECONDS
    connect(environment)


@events.test_start.add_listener
def _raise_the_curtain(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    assert options is not None
    data_dir, host = Path(options.data_dir), environment.host or ""
    secret = read_secret(data_dir)
    with Backstage(host, secret) as backstage:
        programme = agree(environment, lambda: _plan(backstage, options))
        stage = prepare(backstage, Target(host, data_dir, secret), programme)
    stage.count_from(first_number(environment))
    set_stage(environment, stage)


def _plan(backstage: Backstage, options: argparse.Namespace) -> Programme:
    seconds = min(ACTS_SECONDS, options.run_time or ACTS_SECONDS)
    programme = plan(backstage, options.seed, options.stock, seconds)
    say(
        f"Room {programme.room}, a sale every {programme.act_seconds:g} s, {programme.stock} units each "
        f"(--seed {programme.seed})"
    )
    return programme


@events.test_stopping.add_listener
def _send_home(environment: Environment, **_: Any) -> None:
    if has_stage(environment):
        gather(environment)


@events.test_stop.add_listener
def _audit(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, WorkerRunner) or not has_stage(environment):
        return  # the master judges
    options, stage = environment.parsed_options, stage_of(environment)
    assert options is not None
    data_dir = Path(options.data_dir)
    with Backstage(stage.url, stage.secret) as backstage, stores_of(data_dir) as stores:
        verdicts = settle(backstage, stage, data_dir / "ledger.sqlite", options.patience, say, stores)
    print_outcomes(stage.witness.outcomes)
    environment.process_exit_code = print_judgement(verdicts, len(stage.witness.stock))
