"""What one check found, in words for whoever runs the shop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

State = Literal["well", "warning", "wrong"]


class Finding(Struct, frozen=True):
    """One line: the part that was looked at, what is so, and what to do where that is not well."""

    part: str
    state: State
    says: str
    do: str = ""


def well(part: str, says: str) -> Finding:
    """Nothing to do."""
    return Finding(part, "well", says)


def warning(part: str, says: str, do: str) -> Finding:
    """It works, and will not always, or not as well as it could."""
    return Finding(part, "warning", says, do)


def wrong(part: str, says: str, do: str) -> Finding:
    """It does not work."""
    return Finding(part, "wrong", says, do)


def exit_code(findings: Iterable[Finding]) -> int:
    """0 all is well, 1 something does not work, 2 there is something to look at."""
    states = {finding.state for finding in findings}
    if "wrong" in states:
        return 1
    return 2 if "warning" in states else 0
