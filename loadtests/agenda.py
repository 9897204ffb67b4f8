"""What somebody is going to do, and when."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

Deed = Callable[[], None]


class Agenda:
    """Deeds in order of their time; those of the same time keep the order in which they were planned."""

    def __init__(self) -> None:
        self._planned: list[tuple[float, int, Deed]] = []
        self._numbers = count()

    def plan(self, at: float, deed: Deed) -> None:
        """Adds a deed; times are those of the caller's clock."""
        heapq.heappush(self._planned, (at, next(self._numbers), deed))

    def next_at(self, otherwise: float) -> float:
        """When the next deed is due, or ``otherwise`` if that is sooner."""
        return min(self._planned[0][0], otherwise) if self._planned else otherwise

    def take_due(self, now: float) -> list[Deed]:
        """Removes and returns what is due."""
        due = []
        while self._planned and self._planned[0][0] <= now:
            due.append(heapq.heappop(self._planned)[2])
        return due

    def clear(self) -> None:
        """Nothing of it will happen."""
        self._planned.clear()
