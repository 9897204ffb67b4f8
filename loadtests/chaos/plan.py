"""What the nemesis does and when: a function of the seed alone. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

FIRST_AT_SECONDS = 2.0
LEAST_SECONDS, MOST_SECONDS = 0.5, 4.0
"""How long a blow lasts; heartbeats and time-outs of the product are of this size."""
LEAST_GAP_SECONDS, MOST_GAP_SECONDS = 1.0, 6.0
REST_SECONDS = 2.5
"""Before the same target is struck again: what never stands up again proves nothing."""


class Kind(StrEnum):
    """Ways to be hit."""

    KILL = "kill -9"
    PAUSE = "pause"
    CUT = "cut connections"
    DELAY = "delay bytes"
    STALL = "let no byte pass"
    LOSE = "lose answers"
    SHUFFLE = "duplicate and reorder callbacks"
    FILL_MEMORY = "fill memory"
    FILL_DISK = "fill the disk"


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing done to one target."""

    at_seconds: float
    kind: Kind
    target: str
    seconds: float
    """Until it is undone."""

    @property
    def ends_seconds(self) -> float:
        """When it is undone."""
        return self.at_seconds + self.seconds

    def __str__(self) -> str:
        return f"{self.kind}: {self.target} for {self.seconds:.1f} s"


LINKS = (Kind.CUT, Kind.DELAY, Kind.STALL, Kind.LOSE)
PROCESSES = (Kind.KILL, Kind.PAUSE)


def cards(gateways: int, *, postgresql: bool) -> list[tuple[Kind, str]]:
    """All that can be done to a deployment, each once."""
    processes = [f"gateway-{number + 1}" for number in range(gateways)] + ["worker", "media", "valkey"]
    processes += ["postgresql"] if postgresql else []
    links = ["valkey", "postgresql"] if postgresql else ["valkey"]
    return [
        *((kind, target) for target in processes for kind in PROCESSES),
        *((kind, target) for target in links for kind in LINKS),
        (Kind.SHUFFLE, "callbacks"),
        (Kind.FILL_MEMORY, "valkey"),
        (Kind.FILL_DISK, "valkey"),
    ]


def plan(seed: int, seconds: float, deck: Sequence[tuple[Kind, str]]) -> list[Blow]:
    """Blows until the time is over: all cards, then all again; no target is hit while it is down."""
    random = Random(f"nemesis/{seed}")
    gap = min(MOST_GAP_SECONDS, max(LEAST_GAP_SECONDS, seconds / len(deck) / 1.5))
    blows: list[Blow] = []
    free_at: dict[str, float] = {}
    hand: list[tuple[Kind, str]] = []
    at = FIRST_AT_SECONDS
    while at < seconds:
        hand = hand or random.sample(list(deck), len(deck))
        kind, target = hand.pop()
        at = max(at, free_at.get(target, 0.0))
        blow = Blow(round(at, 2), kind, target, round(random.uniform(LEAST_SECONDS, MOST_SECONDS), 2))
        if blow.at_seconds < seconds:
            blows.append(blow)
        free_at[target] = blow.ends_seconds + REST_SECONDS
        at += random.uniform(0.5, 1.5) * gap
    return blows
