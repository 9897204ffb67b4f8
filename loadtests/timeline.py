"""Measurements as they come in, by second; percentiles of each kind of message over time."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

PERCENTILES = (50, 95, 99)
MOST_BINS = 120
LEAST_BIN_SECONDS = 1.0

Told = tuple[str, int, Sequence[float], int]
"""Of one second: the kind of message, the second, what was measured, how many failed."""


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of time of one kind of message."""

    at_seconds: float
    """Its middle."""
    count: int
    failures: int
    percentiles_ms: dict[str, float]


class Attendance(msgspec.Struct, frozen=True, kw_only=True):
    """How many people were in the room."""

    at_seconds: float
    people: int


@dataclass
class Timeline:
    """Listens to locust's measurements; times are seconds since it was made."""

    started: float = field(default_factory=time.monotonic)
    _seconds: dict[str, dict[int, list[float]]] = field(default_factory=lambda: defaultdict(dict))
    _failures: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    _people: dict[int, int] = field(default_factory=dict)

    @classmethod
    def since(cls, started_ms: int) -> Timeline:
        """One that began at a moment of the wall clock, which all processes of a run share."""
        return cls(started=time.monotonic() - (time.time() - started_ms / 1000))

    def passed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.started

    def hear(
        self, request_type: str, response_time: float | None, exception: object = None, **_: Any
    ) -> None:
        """A listener of ``environment.events.request``."""
        second = int(self.passed())
        self._seconds[request_type].setdefault(second, []).append(response_time or 0.0)
        if exception:
            failures = self._failures[request_type]
            failures[second] = failures.get(second, 0) + 1

    def take(self) -> list[Told]:
        """What was heard since it was last taken, as plain values for a timeline elsewhere; forgets it."""
        told: list[Told] = [
            (kind, second, values, self._failures[kind].get(second, 0))
            for kind, seconds in self._seconds.items()
            for second, values in seconds.items()
        ]
        self._seconds.clear()
        self._failures.clear()
        return told

    def add(self, told: Iterable[Told]) -> None:
        """Adds what another timeline heard."""
        for kind, second, values, failed in told:
            self._seconds[kind].setdefault(second, []).extend(values)
            if failed:
                failures = self._failures[kind]
                failures[second] = failures.get(second, 0) + failed

    def see(self, people: int) -> None:
        """So many are in the room now."""
        self._people[int(self.passed())] = people

    def attendance(self) -> list[Attendance]:
        """How many were in the room over time; of each stretch its end."""
        length = self._bin_seconds()
        last = {int(second / length): people for second, people in sorted(self._people.items())}
        return [
            Attendance(at_seconds=round((number + 0.5) * length, 2), people=people)
            for number, people in last.items()
        ]

    def _bin_seconds(self) -> float:
        return max(LEAST_BIN_SECONDS, self.passed() / MOST_BINS)

    def bins(self) -> dict[str, list[Bin]]:
        """Each kind of message over time."""
        length = self._bin_seconds()
        return {kind: self._bins_of(kind, length) for kind in sorted(self._seconds)}

    def _bins_of(self, kind: str, length: float) -> list[Bin]:
        gathered: dict[int, list[float]] = defaultdict(list)
        failures: dict[int, int] = defaultdict(int)
        for second, values in self._seconds[kind].items():
            gathered[int(second / length)] += values
        for second, count in self._failures[kind].items():
            failures[int(second / length)] += count
        return [
            Bin(
                at_seconds=round((number + 0.5) * length, 2),
                count=len(values),
                failures=failures[number],
                percentiles_ms={f"p{share}": round(percentile(values, share), 2) for share in PERCENTILES},
            )
            for number, values in sorted(gathered.items())
        ]


def percentile(values: Sequence[float], share: int) -> float:
    """The value that ``share`` percent of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]
