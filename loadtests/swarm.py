"""``python -m loadtests.swarm``: an audience for a running demo, and the proof that nothing went wrong.

Exit codes: 0 all laws hold, 1 a law is broken, 2 nothing was run.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import gevent
from locust.env import Environment  # locust patches the process for gevent: before anything opens sockets
from locust.runners import LocalRunner

from loadtests.audience.buyer import Buyer
from loadtests.audience.commenter import Commenter
from loadtests.audience.host import Host
from loadtests.audience.recording import record
from loadtests.audience.sharer import Sharer
from loadtests.audience.stage import Stage, set_stage
from loadtests.audience.viewer import Viewer
from loadtests.auditor import Verdict
from loadtests.backstage import Backstage, NoBooks, NoShow
from loadtests.loopback import NotLoopback
from loadtests.people import NoSecret, read_secret
from loadtests.report import console, print_measurements, print_outcomes, print_verdicts
from loadtests.settling import settle

MOST_USERS, MOST_SECONDS = 5_000, 3_600.0
ACTS = 2
PROGRESS_SECONDS = 5.0
LAG_SECONDS = 0.05
LEAVING_SECONDS = 25.0
"""How long people may take to finish paying after the show."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a swarm; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        secret = read_secret(options.data_dir)
        with Backstage(options.host, secret) as backstage:
            stage = prepare(backstage, options, secret)
            environment = _perform(stage, options)
            verdicts = _close_the_books(backstage, stage, environment, options)
    except (NoShow, NoBooks, NoSecret, NotLoopback) as error:
        console.print(f"swarm: {error}", style="red")
        return 2
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests.swarm", description=__doc__)
    parser.add_argument("--users", type=int, default=200, help=f"people at a time, at most {MOST_USERS}")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the show")
    add_show_options(parser)
    parser.add_argument("--host", default="http://127.0.0.1:8000", help="the running demo, on loopback")
    return parser


def add_show_options(parser: argparse.ArgumentParser) -> None:
    """What a show needs to know beside the size of its audience."""
    parser.add_argument("--seed", type=int, default=None, help="repeats an audience; drawn if not given")
    parser.add_argument("--stock", type=int, default=20, help="units of each flash sale")
    parser.add_argument(
        "--data-dir", type=Path, default=Path(".data"), help="where the demo keeps key and ledger"
    )
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to wait for the books to close")


def prepare(backstage: Backstage, options: argparse.Namespace, secret: str) -> Stage:
    """Chooses the room and signs the host in; nothing is changed yet."""
    host = backstage.sign_in("host")
    seconds = min(float(getattr(options, "seconds", MOST_SECONDS)), MOST_SECONDS)
    return Stage(
        url=options.host,
        room=backstage.open_room(host),
        secret=secret,
        presenter=host,
        seed=secrets.randbelow(1_000_000) if options.seed is None else options.seed,
        stock=options.stock,
        act_seconds=min(60.0, seconds * 0.9 / ACTS),
        started_ms=int(time.time() * 1000),
    )


def _perform(stage: Stage, options: argparse.Namespace) -> Environment:
    users, seconds = min(options.users, MOST_USERS), min(options.seconds, MOST_SECONDS)
    environment = Environment(
        user_classes=[Host, Viewer, Commenter, Buyer, Sharer],
        host=options.host,
        stop_timeout=LEAVING_SECONDS,
    )
    set_stage(environment, stage)
    runner = environment.create_local_runner()
    console.print(
        f"[bold]{users} people[/bold] come to {options.host}/room/{stage.room} for {seconds:g} s "
        f"(--seed {stage.seed})"
    )
    lag = gevent.spawn(_measure_lag, environment)
    runner.start(users, spawn_rate=max(10.0, users / 2))
    _follow(stage, runner, seconds)
    stage.closing = True
    console.print("The show is over; people finish paying and leave")
    _wait_for_leaving(runner)
    lag.kill()
    runner.stop()
    return environment


def _follow(stage: Stage, runner: LocalRunner, seconds: float) -> None:
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        gevent.sleep(min(PROGRESS_SECONDS, seconds - passed))
        total = runner.stats.total
        console.print(
            f"  {time.monotonic() - started:4.0f} s  {runner.user_count} people  "
            f"{total.num_requests} measurements  {len(stage.witness.purchases)} orders  "
            f"{total.num_failures} failures"
        )


def _wait_for_leaving(runner: LocalRunner) -> None:
    deadline = time.monotonic() + LEAVING_SECONDS
    while len(runner.user_greenlets) and time.monotonic() < deadline:
        gevent.sleep(0.2)


def _measure_lag(environment: Environment) -> None:
    """How late the swarm itself is: where this grows, latencies are the generator's, not the server's."""
    while True:
        started = time.monotonic()
        gevent.sleep(LAG_SECONDS)
        late_ms = (time.monotonic() - started - LAG_SECONDS) * 1000
        record(environment, "generator", "the swarm's own lag", max(0.0, late_ms), None)


def _close_the_books(
    backstage: Backstage, stage: Stage, environment: Environment, options: argparse.Namespace
) -> list[Verdict]:
    def report(line: str) -> None:
        console.print(f"  [dim]{line}[/dim]")

    ledger_file = options.data_dir / "ledger.sqlite"
    print_measurements(environment.stats)
    print_outcomes(stage.witness.outcomes)
    verdicts = settle(backstage, stage, ledger_file, options.patience, report)
    print_verdicts(verdicts)
    return verdicts


if __name__ == "__main__":
    sys.exit(main())
