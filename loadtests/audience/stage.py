"""The show that an audience comes to, shared by all users of one run."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import cast

from locust.env import Environment

from loadtests.audience.visit import Visit
from loadtests.audience.witness import Witness
from loadtests.people import Person


@dataclass(frozen=True, slots=True)
class Invitation:
    """A friend's link, on its way to somebody."""

    grant: str
    device: str = ""
    """The phone it will be opened on; empty for a friend's own."""


@dataclass
class Stage:
    """Where the show is, who presents it, and what has been seen of it."""

    url: str
    room: str
    secret: str
    presenter: Person
    seed: int
    stock: int
    """Units of each sale."""
    act_seconds: float
    """An act: a pin, coupons, a sale."""
    started_ms: int
    witness: Witness = field(default_factory=Witness)
    invitations: deque[Invitation] = field(default_factory=deque)
    brand: Person | None = None
    """Who asks for slots on behalf of a guest brand."""
    inside: set[Visit] = field(default_factory=set)
    """Visits under way, those that are just coming back included."""
    storms: int = 0
    """How often everybody's network was lost at once."""
    closing: bool = False
    """True: whoever is inside leaves, nobody comes any more."""
    accounts: int = 0
    """How many other processes have told what their people saw."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def storm(self) -> None:
        """Everybody's network is lost."""
        self.storms += 1

    def count_from(self, number: int) -> None:
        """Newcomers get numbers from here on."""
        self._numbers = itertools.count(number)

    def next_number(self) -> int:
        """A number for a newcomer: their name, address and luck follow from it."""
        return next(self._numbers)

    def random_for(self, number: int) -> Random:
        """The luck of newcomer ``number``: the same in each run of one seed."""
        return Random(f"{self.seed}/{number}")


def set_stage(environment: Environment, stage: Stage) -> None:
    """Makes a show known to all users of an environment."""
    vars(environment)["stage"] = stage


def has_stage(environment: Environment) -> bool:
    """Whether a show was made known; locust also ends tests that never began."""
    return "stage" in vars(environment)


def stage_of(environment: Environment) -> Stage:
    """The show that ``set_stage`` made known."""
    return cast(Stage, vars(environment)["stage"])
