"""Everything that is known of one run, as it goes into ``report.json`` and onto the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from loadtests.sampler import Growth, Sample
from loadtests.timeline import Attendance, Bin


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done to the system; times in seconds since the beginning."""

    what: str
    target: str
    started_seconds: float
    ended_seconds: float
    missed: str = ""
    """Why it did not hit; empty if it did."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of measurement over the whole run."""

    kind: str
    name: str
    count: int
    failures: int
    percentiles_ms: dict[str, float]
    worst_ms: float


class LawResult(msgspec.Struct, frozen=True, kw_only=True):
    """A law, and what speaks against it."""

    law: str
    holds: bool
    checked: int
    violations: Sequence[str]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    title: str
    command: str
    seed: int
    started_ms: int
    seconds: float
    """From the first guest until the last has left."""
    machine: str
    people: int
    laws: Sequence[LawResult]
    measurements: Sequence[Row]
    timeline: Mapping[str, Sequence[Bin]]
    samples: Mapping[str, Sequence[Sample]]
    growth: Sequence[Growth]
    occurrences: Sequence[Occurrence]
    outcomes: Mapping[str, int]
    drawn: Mapping[str, Sequence[float | str]]
    attendance: Sequence[Attendance] = ()

    @property
    def good(self) -> bool:
        """Whether every law holds."""
        return all(law.holds for law in self.laws)
