"""The laws of a room's log: nobody missed anything, and what was seen is what is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from loadtests.audit.evidence import Evidence, JournalEvent, Place, Verdict


def seen_without_gap(evidence: Evidence) -> Verdict:
    """Each viewer saw each control event from coming in to leaving, across all lost connections."""
    return Verdict("every viewer saw every control event", evidence.control_events, tuple(evidence.gaps))


def journal_is_true(seen: Mapping[Place, str], journal: Sequence[JournalEvent]) -> Verdict:
    """The journal has each offset once, and what viewers saw happen there."""
    kept = {event.place: event.kind for event in journal}
    violations = [f"epoch {epoch}: {wrong}" for epoch, wrong in _gaps(journal)]
    violations += [
        f"epoch {epoch}, offset {offset}: viewers saw {kind}, the journal has {kept.get((epoch, offset))}"
        for (epoch, offset), kind in sorted(seen.items())
        if kept.get((epoch, offset)) != kind
    ]
    return Verdict("the journal is what viewers saw", len(seen), tuple(violations))


def _gaps(journal: Sequence[JournalEvent]) -> list[tuple[str, str]]:
    offsets: dict[str, list[int]] = defaultdict(list)
    for event in journal:
        epoch, offset = event.place
        offsets[epoch].append(offset)
    found = []
    for epoch, known in offsets.items():
        missing = sorted(set(range(1, max(known) + 1)) - set(known))
        if missing:
            found.append((epoch, f"the journal lacks offsets {missing[:5]}"))
        if len(set(known)) < len(known):
            found.append((epoch, "the journal has an offset twice"))
    return found
