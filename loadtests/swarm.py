"""``python -m loadtests.swarm``: an audience for a demo, and the proof that nothing went wrong.

Exit codes: 0 all laws hold, 1 a law is broken, 2 nothing was run, or no sale opened.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import locust  # noqa: F401 - patches the process for gevent: before anything opens sockets

from loadtests.audience.stage import Stage
from loadtests.audit.judgement import Judgement, judge
from loadtests.backstage import Backstage, NoBooks, NoShow
from loadtests.deployment import DidNotStart, deployed
from loadtests.evening import Evening
from loadtests.incidents import CannotHappen, Incidents
from loadtests.loopback import NotLoopback
from loadtests.people import NoSecret, read_secret
from loadtests.performance import Performance
from loadtests.programme import Programme, plan
from loadtests.report import write_report
from loadtests.scenario import SCENARIOS
from loadtests.terminal import console, say

MOST_USERS, MOST_SECONDS = 5_000, 24 * 3_600.0
DEFAULT_HOST = "http://127.0.0.1:8000"
DEFAULT_SCENARIO = "flash-crowd"


@dataclass(frozen=True, slots=True)
class Target:
    """The server that an audience comes to."""

    url: str
    data_dir: Path
    secret: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a swarm; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        with _target(options) as target, Backstage(target.url, target.secret) as backstage:
            return _evening(target, backstage, options)
    except (NoShow, NoBooks, NoSecret, NotLoopback, DidNotStart, CannotHappen) as error:
        console.print(f"swarm: {error}", style="red")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests.swarm", description=__doc__)
    parser.add_argument("scenario", nargs="?", default=DEFAULT_SCENARIO, choices=SCENARIOS)
    parser.add_argument("--users", type=int, default=200, help=f"people at a time, at most {MOST_USERS}")
    parser.add_argument("--seconds", type=float, default=0.0, help="length of the show; the scenario's own")
    parser.add_argument("--minutes", type=float, default=0.0, help="the same in minutes")
    add_show_options(parser)
    parser.add_argument("--host", default="", help=f"the running demo, on loopback; {DEFAULT_HOST}")
    parser.add_argument("--start", action="store_true", help="start a server for this run, with two gateways")
    parser.add_argument("--report", type=Path, help="folder for index.html and report.json")
    return parser


def add_show_options(parser: argparse.ArgumentParser) -> None:
    """What a show needs to know beside the size of its audience."""
    parser.add_argument("--seed", type=int, default=None, help="repeats an audience; drawn if not given")
    parser.add_argument("--stock", type=int, default=20, help="units of each flash sale")
    # text, as locust's master sends options to its workers
    parser.add_argument("--data-dir", default=".data", help="where the demo keeps key and ledger")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to wait for the books to close")


@contextlib.contextmanager
def _target(options: argparse.Namespace) -> Iterator[Target]:
    if not options.start:
        data_dir = Path(options.data_dir)
        yield Target(options.host or DEFAULT_HOST, data_dir, read_secret(data_dir))
        return
    say("Starting a server of its own, with two gateways")
    with deployed(workers=2) as deployment:
        yield Target(deployment.url, deployment.data_dir, deployment.secret)


def prepare(backstage: Backstage, target: Target, programme: Programme) -> Stage:
    """Signs host and brand in; nothing is changed yet."""
    return Stage(
        url=target.url,
        room=programme.room,
        secret=target.secret,
        presenter=backstage.sign_in("host"),
        brand=backstage.sign_in("brand"),
        seed=programme.seed,
        stock=programme.stock,
        act_seconds=programme.act_seconds,
        started_ms=programme.started_ms,
    )


def _evening(target: Target, backstage: Backstage, options: argparse.Namespace) -> Judgement:
    scenario = SCENARIOS[options.scenario]
    users = min(options.users, MOST_USERS)
    seconds = min(options.seconds or options.minutes * 60 or scenario.seconds, MOST_SECONDS)
    incidents = Incidents(lambda: stage.storm(), target.url, target.data_dir, say)
    incidents.require(scenario)
    stage = prepare(backstage, target, plan(backstage, options.seed, options.stock, seconds))
    console.print(
        f"[bold]{scenario.name}[/bold]: {scenario.story}. Up to {users} people come to "
        f"{target.url}/room/{stage.room} for {seconds:g} s (--seed {stage.seed})"
    )
    performance = Performance(stage, lambda passed: scenario.people(users, passed / seconds), say)
    evening = Evening(stage, performance.environment, performance.timeline, target.data_dir)
    incidents.play(scenario, seconds, evening, performance.follow)
    performance.follow(seconds - evening.passed())
    performance.catch_up()
    performance.end()
    verdicts = evening.close_the_books(backstage, options.patience)
    started = " --start" if options.start else ""
    command = (
        f'make swarm A="{scenario.name} --users {users} --seconds {seconds:g} --seed {stage.seed}{started}"'
    )
    run = evening.run(f"{scenario.name}: {scenario.story}", command, users, verdicts)
    write_report(run, options.report or Path("reports") / f"{scenario.name}-{stage.seed}", say)
    return judge(verdicts, len(stage.witness.stock))


if __name__ == "__main__":
    sys.exit(main())
