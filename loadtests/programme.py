"""What is settled before a show: all processes of one run must agree on it."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from loadtests.backstage import Backstage

LONGEST_ACT_SECONDS = 60.0
LEAST_ACTS = 2
SPARE_SHARE = 0.1
"""Of a show; the audience comes in meanwhile."""


@dataclass(frozen=True, slots=True)
class Programme:
    """Which show, in acts of what length, and whose luck."""

    room: str
    seed: int
    stock: int
    """Units of each sale."""
    act_seconds: float
    """An act: a pin, coupons, a sale."""
    started_ms: int


def plan(backstage: Backstage, seed: int | None, stock: int, seconds: float) -> Programme:
    """A programme for the show of the demo's host, with at least two acts in so many seconds."""
    return Programme(
        room=backstage.open_room(backstage.sign_in("host")),
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
        stock=stock,
        act_seconds=act_seconds(seconds),
        started_ms=int(time.time() * 1000),
    )


def act_seconds(seconds: float) -> float:
    """How long an act is in a show of so many seconds."""
    return min(LONGEST_ACT_SECONDS, seconds * (1 - SPARE_SHARE) / LEAST_ACTS)
