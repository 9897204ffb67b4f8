"""How long the loop is busy with what a socket brought: the delay that every packet of a burst has."""

from __future__ import annotations


class Drains:
    """A sum, a count, and the longest since somebody looked."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.count = 0
        self._longest = 0.0

    def record(self, seconds: float) -> None:
        """Count one drain."""
        self.seconds += seconds
        self.count += 1
        self._longest = max(self._longest, seconds)

    def take_longest(self) -> float:
        """Return the longest, and start over."""
        longest, self._longest = self._longest, 0.0
        return longest
