"""The same audience under locust's own command: ``locust -f loadtests/locustfile.py --host http://127.0.0.1:8000``.

With its web page one chooses numbers as the show goes on; acts of a minute repeat until the test is stopped.
The audit follows, and ``--headless`` runs exit with its result.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from locust import events
from locust.env import Environment

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # locust puts only this folder on the path

from loadtests.audience.brand import Brand
from loadtests.audience.buyer import Buyer
from loadtests.audience.commenter import Commenter
from loadtests.audience.host import Host
from loadtests.audience.sharer import Sharer
from loadtests.audience.stage import set_stage, stage_of
from loadtests.audience.troll import Troll
from loadtests.audience.viewer import Viewer
from loadtests.backstage import Backstage
from loadtests.people import read_secret
from loadtests.settling import settle
from loadtests.stores import stores_of
from loadtests.swarm import Target, add_show_options, prepare
from loadtests.terminal import console, print_outcomes, print_verdicts

__all__ = ["Brand", "Buyer", "Commenter", "Host", "Sharer", "Troll", "Viewer"]

ACTS_SECONDS = 120.0
"""Acts of a minute."""


@events.init_command_line_parser.add_listener
def _add_options(parser: argparse.ArgumentParser) -> None:
    add_show_options(parser)


@events.test_start.add_listener
def _raise_the_curtain(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    assert options is not None
    secret = read_secret(options.data_dir)
    with Backstage(options.host, secret) as backstage:
        target = Target(options.host, options.data_dir, secret)
        set_stage(environment, prepare(backstage, target, options.seed, options.stock, ACTS_SECONDS))


@events.test_stopping.add_listener
def _send_home(environment: Environment, **_: Any) -> None:
    stage_of(environment).closing = True


@events.test_stop.add_listener
def _audit(environment: Environment, **_: Any) -> None:
    options, stage = environment.parsed_options, stage_of(environment)
    assert options is not None
    ledger_file = options.data_dir / "ledger.sqlite"
    with Backstage(options.host, stage.secret) as backstage, stores_of(options.data_dir) as stores:
        verdicts = settle(backstage, stage, ledger_file, options.patience, console.print, stores)
    print_outcomes(stage.witness.outcomes)
    print_verdicts(verdicts)
    environment.process_exit_code = 0 if all(verdict.holds for verdict in verdicts) else 1
