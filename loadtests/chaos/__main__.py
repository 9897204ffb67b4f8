"""``python -m loadtests.chaos``: an audience, a nemesis that breaks everything under it, then the auditor.

Starts a deployment of its own. The seed decides what is done to whom and when, and what the audience does.
Exit codes: 0 all laws hold, 1 a law is broken, 2 nothing was run, or no sale opened.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

import locust  # noqa: F401 - patches the process for gevent: before anything opens sockets

from loadtests.audit.judgement import Judgement, judge
from loadtests.backstage import Backstage, NoBooks
from loadtests.chaos.nemesis import Nemesis
from loadtests.chaos.plan import cards, plan
from loadtests.chaos.site import Site, chaos_site
from loadtests.deployment import DidNotStart
from loadtests.evening import Evening
from loadtests.performance import Performance
from loadtests.programme import plan as plan_show
from loadtests.report import write_report
from loadtests.swarm import Target, prepare
from loadtests.terminal import console, say

GATEWAYS = 2
ACT_SECONDS = 14.0
"""An act with its sale: several blows long."""
STOCK = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it; returns the exit code."""
    options = _parser().parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    postgresql = options.database == "postgresql"
    console.print(f"[bold]Chaos[/bold] for {options.minutes:g} min on {options.database} (--seed {seed})")
    try:
        with chaos_site(GATEWAYS, seed, postgresql=postgresql) as site:
            return _evening(site, seed, options)
    except (DidNotStart, NoBooks) as error:
        console.print(f"chaos: {error or type(error).__name__}", style="red")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long the nemesis rages")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run; drawn if not given")
    parser.add_argument("--users", type=int, default=60, help="people at a time")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument(
        "--patience", type=float, default=180.0, help="seconds to wait for the books to close"
    )
    parser.add_argument("--report", type=Path, help="folder for index.html and report.json")
    return parser


def _evening(site: Site, seed: int, options: argparse.Namespace) -> Judgement:
    deployment, seconds = site.deployment, options.minutes * 60
    target = Target(deployment.url, deployment.data_dir, deployment.secret)
    blows = plan(seed, seconds, cards(GATEWAYS, postgresql=site.postgresql is not None))
    with Backstage(target.url, target.secret) as backstage:
        stage = prepare(backstage, target, plan_show(backstage, seed, STOCK, ACT_SECONDS * 3))
        performance = Performance(stage, lambda _: options.users, say)
        evening = Evening(
            stage, performance.environment, performance.timeline, target.data_dir, site.everyone
        )
        Nemesis(site, blows, performance, evening).rage()
        say("The nemesis is done; everything is put right again")
        site.calm()
        site.wait_until_ready()
        performance.follow(stage.act_seconds)  # more control events, in which a gap would show
        performance.catch_up()
        performance.end()
        verdicts = evening.close_the_books(backstage, options.patience)
    command = (
        f'make chaos A="--minutes {options.minutes:g} --seed {seed} --users {options.users} '
        f'--database {options.database}"'
    )
    title = f"chaos: {len(blows)} blows in {options.minutes:g} min, on {options.database}"
    run = evening.run(title, command, options.users, verdicts)
    write_report(run, options.report or Path("reports") / f"chaos-{seed}", say)
    return judge(verdicts, len(stage.witness.stock))


if __name__ == "__main__":
    sys.exit(main())
