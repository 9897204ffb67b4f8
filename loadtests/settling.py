"""Waits until money and ledger have come to rest, then gives the verdicts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from loadtests.audience.stage import Stage
from loadtests.audit import audit
from loadtests.audit.evidence import Evidence, Verdict
from loadtests.backstage import Backstage
from loadtests.stores import StoresAway, StoresReader

LOOK_SECONDS = 1.0
QUIET_LOOKS = 3
"""So many looks in a row must see the same books before they count as closed."""

Report = Callable[[str], None]


def settle(
    backstage: Backstage,
    stage: Stage,
    ledger_file: Path,
    patience_seconds: float,
    report: Report,
    stores: StoresReader | None = None,
) -> list[Verdict]:
    """The verdicts, once all laws hold on books that no longer move, or when patience is at its end.

    Callbacks come late and the ledger follows behind: a law that does not hold *yet* is not broken.
    """
    deadline = time.monotonic() + patience_seconds
    seen: tuple[int, ...] | None = None
    quiet = 0
    while True:
        evidence, unread = collect(backstage, stage, ledger_file, stores)
        verdicts = audit(evidence) + (
            [] if unread is None else [Verdict("the stores can be read", 0, (unread,))]
        )
        books = _size(evidence)
        quiet = quiet + 1 if books == seen else 0
        seen = books
        if quiet >= QUIET_LOOKS and all(verdict.holds for verdict in verdicts):
            return verdicts
        if time.monotonic() > deadline:
            return verdicts
        waiting = [verdict.law for verdict in verdicts if not verdict.holds]
        if waiting:
            report(
                f"waiting for the books: {len(evidence.bill)} lines on the bill, "
                f"{len(evidence.ledger)} entries in the ledger; not yet so: {', '.join(waiting)}"
            )
        time.sleep(LOOK_SECONDS)


def collect(
    backstage: Backstage, stage: Stage, ledger_file: Path, stores: StoresReader | None
) -> tuple[Evidence, str | None]:
    """What audience, provider, ledger and stores say about this run; and why the stores say nothing."""
    witness = stage.witness
    bill = backstage.bill(stage.started_ms)
    orders = witness.purchases.keys() | {line.order for line in bill}
    found, unread = None, None
    if stores is not None:
        try:
            found = stores.read(stage.room, witness.stock)
        except StoresAway as error:
            unread = str(error)
    evidence = Evidence(
        stock=witness.stock,
        limits=witness.limits,
        purchases=list(witness.purchases.values()),
        bill=bill,
        ledger=[entry for entry in backstage.ledger(ledger_file) if entry.order in orders],
        control_events=witness.control_events,
        gaps=witness.contradictions,
        seen=witness.seen,
        stores=found,
    )
    return evidence, unread


def _size(evidence: Evidence) -> tuple[int, ...]:
    """How much there is; books that grow are not closed."""
    kept = () if evidence.stores is None else (len(evidence.stores.orders), len(evidence.stores.journal))
    return (len(evidence.bill), len(evidence.ledger), *kept)
