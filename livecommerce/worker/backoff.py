"""How long a job waits after failures in a row."""

from __future__ import annotations


def backoff_ms(failures: int, first_ms: int = 1_000, longest_ms: int = 300_000) -> int:
    """Doubles from the first wait to the longest; 0 where nothing failed."""
    return min(first_ms << min(failures - 1, 30), longest_ms) if failures else 0
