"""Waits until money and ledger have come to rest, then gives the verdicts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from loadtests.audience.stage import Stage
from loadtests.auditor import Evidence, Verdict, audit
from loadtests.backstage import Backstage

LOOK_SECONDS = 1.0
QUIET_LOOKS = 3
"""So many looks in a row must see the same books before they count as closed."""

Report = Callable[[str], None]


def settle(
    backstage: Backstage, stage: Stage, ledger_file: Path, patience_seconds: float, report: Report
) -> list[Verdict]:
    """The verdicts, once all laws hold on books that no longer move, or when patience is at its end.

    Callbacks come late and the ledger follows behind: a law that does not hold *yet* is not broken.
    """
    deadline = time.monotonic() + patience_seconds
    seen: tuple[int, int] | None = None
    quiet = 0
    while True:
        evidence = collect(backstage, stage, ledger_file)
        verdicts = audit(evidence)
        books = (len(evidence.bill), len(evidence.ledger))
        quiet = quiet + 1 if books == seen else 0
        seen = books
        if quiet >= QUIET_LOOKS and all(verdict.holds for verdict in verdicts):
            return verdicts
        if time.monotonic() > deadline:
            return verdicts
        waiting = [verdict.law for verdict in verdicts if not verdict.holds]
        if waiting:
            report(f"waiting for the books: {books[0]} lines on the bill, {books[1]} entries in the ledger")
        time.sleep(LOOK_SECONDS)


def collect(backstage: Backstage, stage: Stage, ledger_file: Path) -> Evidence:
    """What audience, provider and ledger say about this run."""
    witness = stage.witness
    bill = backstage.bill(stage.started_ms)
    orders = witness.purchases.keys() | {line.order for line in bill}
    return Evidence(
        stock=witness.stock,
        limits=witness.limits,
        purchases=list(witness.purchases.values()),
        bill=bill,
        ledger=[entry for entry in backstage.ledger(ledger_file) if entry.order in orders],
        control_events=witness.control_events,
        gaps=witness.contradictions,
    )
