"""The same audience under locust's own command: ``locust -f loadtests/locustfile.py --host http://127.0.0.1:8000``.

With its web page one chooses numbers as the show goes on; ``--scenario`` follows one of the swarm's instead.
Acts of half a minute (shorter ones where ``--run-time`` asks for a shorter show) repeat until the test is
stopped. Audit and report follow, and ``--headless`` runs exit with the audit's result: 0 all laws hold, 1 a
law is broken, 2 nothing was proved, since no sale opened or no show could be held.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NoReturn, cast

import gevent
from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # locust puts only this folder on the path

from loadtests import shapes
from loadtests.audience.brand import Brand
from loadtests.audience.buyer import Buyer
from loadtests.audience.commenter import Commenter
from loadtests.audience.gathering import LEAVING_SECONDS, agree, connect, first_number, gather
from loadtests.audience.host import Host
from loadtests.audience.sharer import Sharer
from loadtests.audience.stage import has_stage, set_stage
from loadtests.audience.troll import Troll
from loadtests.audience.viewer import Viewer
from loadtests.audit.judgement import Judgement
from loadtests.backstage import Backstage, NoBooks, NoShow
from loadtests.incidents import CannotHappen
from loadtests.locust_run import LocustRun, incidents_of, shape_of
from loadtests.loopback import NotLoopback
from loadtests.people import NoSecret, read_secret
from loadtests.programme import Programme, plan
from loadtests.swarm import Target, add_show_options, prepare
from loadtests.terminal import console, say
from loadtests.watch import Watch

__all__ = ["Brand", "Buyer", "Commenter", "Host", "Sharer", "Troll", "Viewer"]

ACTS_SECONDS = 60.0
"""Two acts a minute, nearly."""
WATCH, RUN = "watch", "run"


@events.init_command_line_parser.add_listener
def _add_options(parser: argparse.ArgumentParser) -> None:
    add_show_options(parser)
    names = ("", *shapes.SHAPES)
    parser.add_argument("--scenario", default="", choices=names, help="when people come, and what happens")
    # text, as locust's master sends options to its workers
    parser.add_argument("--report", default="", help="folder for index.html and report.json")


@events.init.add_listener
def _connect(environment: Environment, **_: Any) -> None:
    environment.stop_timeout = environment.stop_timeout or LEAVING_SECONDS
    connect(environment)
    options = environment.parsed_options
    if options is not None and options.scenario and not isinstance(environment.runner, WorkerRunner):
        shape = shapes.SHAPES[options.scenario]()
        shape.runner = environment.runner
        environment.shape_class = shape


@events.test_start.add_listener
def _raise_the_curtain(environment: Environment, **_: Any) -> None:
    try:
        _prepare(environment)
    except (NoShow, NoBooks, NoSecret, NotLoopback, CannotHappen) as error:
        _refuse(environment, str(error))


def _prepare(environment: Environment) -> None:
    options = environment.parsed_options
    assert options is not None
    data_dir, host = Path(options.data_dir), environment.host or ""
    secret = read_secret(data_dir)
    judges, shape = not isinstance(environment.runner, WorkerRunner), shape_of(environment)
    if judges and shape is not None:
        incidents_of(environment, host, data_dir).require(shape.scenario)
    with Backstage(host, secret) as backstage:
        programme = agree(environment, lambda: _plan(environment, backstage, options))
        stage = prepare(backstage, Target(host, data_dir, secret), programme)
    stage.count_from(first_number(environment))
    set_stage(environment, stage)
    kept = vars(environment)
    kept[WATCH] = Watch(environment, stage)
    kept[RUN] = LocustRun(environment, stage, kept[WATCH], data_dir) if judges else None


def _plan(environment: Environment, backstage: Backstage, options: argparse.Namespace) -> Programme:
    shape = shape_of(environment)
    seconds = shape.seconds if shape else min(ACTS_SECONDS, options.run_time or ACTS_SECONDS)
    programme = plan(backstage, options.seed, options.stock, seconds)
    say(
        f"Room {programme.room}, a sale every {programme.act_seconds:g} s, {programme.stock} units each "
        f"(--seed {programme.seed})"
    )
    return programme


def _refuse(environment: Environment, why: str) -> NoReturn:
    """Nobody comes to a show that cannot be held."""
    console.print(f"locust: {why}", style="red")
    environment.process_exit_code = Judgement.PROVED_NOTHING
    runner, options = environment.runner, environment.parsed_options
    assert runner is not None
    runner.shape_greenlet = None  # else locust takes the scenario for running
    gevent.spawn(runner.quit if options is not None and options.headless else runner.stop)
    raise gevent.GreenletExit  # ends locust's starting of people, and is no error to it


@events.test_stopping.add_listener
def _send_home(environment: Environment, **_: Any) -> None:
    if has_stage(environment):
        run = _run_of(environment)
        if run is not None:
            run.stop()
        gather(environment)


@events.test_stop.add_listener
def _judge(environment: Environment, **_: Any) -> None:
    watch = cast("Watch | None", vars(environment).pop(WATCH, None))
    if watch is None:
        return
    watch.end()
    run, options = _run_of(environment), environment.parsed_options
    if run is not None and options is not None:
        environment.process_exit_code = run.judge(options.patience, options.report)


def _run_of(environment: Environment) -> LocustRun | None:
    """Of this process, where it judges."""
    return cast("LocustRun | None", vars(environment).get(RUN))
