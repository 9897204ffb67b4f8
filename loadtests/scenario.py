"""Named evenings: how many people when, and what happens to all of them at once. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Incident(StrEnum):
    """What happens to everybody."""

    STORM = "everybody loses the network"
    RESTART = "gateways restart one after the other"


@dataclass(frozen=True, slots=True)
class Scenario:
    """An evening; shares are of its length."""

    name: str
    story: str
    share_of_people: Callable[[float], float]
    """Of those who come at all, how many are there at a share of the evening."""
    incidents: Sequence[tuple[float, Incident]] = ()
    seconds: float = 30.0
    """How long it is unless another length is asked for."""

    def people(self, users: int, passed: float) -> int:
        """How many are there when a share of the evening has passed; never nobody."""
        return max(1, round(users * self.share_of_people(min(1.0, max(0.0, passed)))))


LEAST_SHARE = 0.1
SLOW_UNTIL = 0.7
EVENING_RISES, EVENING_FALLS = 0.1, 0.9
WAVES = 4
WAVE_HEIGHT = 0.15


def _all(_passed: float) -> float:
    return 1.0


def _slowly(passed: float) -> float:
    return min(1.0, LEAST_SHARE + (1 - LEAST_SHARE) * passed / SLOW_UNTIL)


def _evening(passed: float) -> float:
    rising = min(1.0, passed / EVENING_RISES)
    falling = min(1.0, (1 - passed) / (1 - EVENING_FALLS))
    wave = 1 - WAVE_HEIGHT + WAVE_HEIGHT * math.sin(2 * math.pi * WAVES * passed)
    return max(LEAST_SHARE, min(rising, falling) * wave)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("flash-crowd", "all come within seconds, for the sale", _all),
        Scenario("slow-build", "the room fills for most of the show", _slowly, seconds=120.0),
        Scenario(
            "reconnect-storm",
            "everybody loses the network at once, twice, and comes back",
            _all,
            ((0.4, Incident.STORM), (0.7, Incident.STORM)),
            seconds=60.0,
        ),
        Scenario(
            "rolling-restart",
            "gateways restart one after the other, twice, while people buy",
            _all,
            ((0.3, Incident.RESTART), (0.65, Incident.RESTART)),
            seconds=90.0,
        ),
        Scenario("long-evening", "an evening in waves; what grows is named", _evening, seconds=3_600.0),
    )
}
