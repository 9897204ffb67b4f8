"""How fast one person may open sessions."""

from __future__ import annotations

from collections.abc import Callable

from media.errors import TooManyRequests

SESSIONS_PER_SECOND = 2.0
BURST = 20.0
MAX_PEOPLE = 50_000


class SessionLimit:
    """A token bucket per person; a full one is forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, person: str) -> None:
        """Count one session; raise `TooManyRequests`."""
        now = self._clock()
        if len(self._buckets) >= MAX_PEOPLE:
            self._forget_full(now)
        level = self._level(person, now)
        if level < 1:
            raise TooManyRequests("sessions are opened too fast; wait a little")
        self._buckets[person] = (level - 1, now)

    def _level(self, person: str, now: float) -> float:
        level, at = self._buckets.get(person, (BURST, now))
        return min(BURST, level + (now - at) * SESSIONS_PER_SECOND)

    def _forget_full(self, now: float) -> None:
        full = [person for person in self._buckets if self._level(person, now) >= BURST]
        for person in full:
            del self._buckets[person]
