"""What a whole run proves."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from loadtests.audit.evidence import Verdict


class Judgement(IntEnum):
    """A run's result, as the exit code of its command."""

    PROVED = 0
    BROKEN = 1
    """A law does not hold."""
    PROVED_NOTHING = 2
    """No sale opened: where nobody could buy, laws about money hold by themselves."""


def judge(verdicts: Sequence[Verdict], sales: int) -> Judgement:
    """What verdicts are worth, given how many sales the audience saw open."""
    if not all(verdict.holds for verdict in verdicts):
        return Judgement.BROKEN
    return Judgement.PROVED if sales else Judgement.PROVED_NOTHING
