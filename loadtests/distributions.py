"""What people do, as named distributions; each with its source or its reason.

Times are seconds. A draw is a function of the random generator alone, so a seed repeats an audience.
"""

from __future__ import annotations

import ast
import inspect
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from random import Random
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Distribution(Protocol[T_co]):
    """What people do by chance."""

    def draw(self, random: Random) -> T_co:
        """One person's choice."""
        ...


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Many short and a few very long: the usual shape of what people take their time for."""

    median: float
    spread: float
    """Standard deviation of the logarithm: 0.5 keeps nine in ten within a factor of 2.3, 1.0 of 5.2."""
    least: float
    most: float

    def __str__(self) -> str:
        return (
            f"log-normal, median {self.median:g} s, spread {self.spread:g}, {self.least:g} to {self.most:g} s"
        )

    def draw(self, random: Random) -> float:
        """A time between ``least`` and ``most``."""
        value = math.exp(random.gauss(math.log(self.median), self.spread))
        return min(self.most, max(self.least, value))

    def share_below(self, value: float) -> float:
        """The share of draws that are at most ``value``."""
        if value < self.least:
            return 0.0
        if value >= self.most:
            return 1.0
        return 0.5 * (1 + math.erf(math.log(value / self.median) / (self.spread * math.sqrt(2))))


@dataclass(frozen=True, slots=True)
class Exponential:
    """Independent events at a steady rate: the time until the next one."""

    mean: float
    most: float

    def __str__(self) -> str:
        return f"exponential, mean {self.mean:g} s, at most {self.most:g} s"

    def draw(self, random: Random) -> float:
        """A time between 0 and ``most``."""
        return min(self.most, random.expovariate(1 / self.mean))

    def share_below(self, value: float) -> float:
        """The share of draws that are at most ``value``."""
        if value >= self.most:
            return 1.0
        return 1 - math.exp(-value / self.mean) if value > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Geometric:
    """A count that goes on with the same probability each time."""

    mean: float
    most: int

    def __str__(self) -> str:
        return f"geometric, mean {self.mean:g}, at most {self.most}"

    def draw(self, random: Random) -> int:
        """A count between 0 and ``most``."""
        going_on = self.mean / (1 + self.mean)
        number = 0
        while number < self.most and random.random() < going_on:
            number += 1
        return number

    def share_below(self, value: float) -> float:
        """The share of draws that are at most ``value``."""
        if value < 0:
            return 0.0
        going_on = self.mean / (1 + self.mean)
        return 1.0 if value >= self.most else float(1 - going_on ** (math.floor(value) + 1))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several habits, by weight."""

    weights: Mapping[str, float]

    def __str__(self) -> str:
        return f"one of {len(self.weights)}, by weight"

    def draw(self, random: Random) -> str:
        """One of the names."""
        return random.choices(list(self.weights), list(self.weights.values()))[0]


ARRIVAL = Exponential(mean=3.0, most=15.0)
"""After a link is shared or a push arrives: most who come at all come at once, and the stream thins out. An
even arrival would spare the server its worst second."""

WATCHING = LogNormal(median=90.0, spread=1.1, least=3.0, most=3_600.0)
"""Dwell time in a live room: many look in and leave within seconds, few stay for the show. Log-normal, as
Veloso et al. found ("A hierarchical characterization of a live streaming media workload", 2002)."""

RETURNING = LogNormal(median=20.0, spread=0.8, least=2.0, most=600.0)
"""Out of the room until somebody else takes the seat; keeps the audience's size while its members change."""

DROPPING = Exponential(mean=240.0, most=7_200.0)
"""Until a phone loses its network: lifts and tunnels come independently of anything in the show."""

RECONNECTING = LogNormal(median=0.8, spread=0.7, least=0.05, most=20.0)
"""From a lost connection to the next attempt; the client backs off with full jitter from half a second on."""

COMMENTING = Exponential(mean=12.0, most=120.0)
"""Between two comments of somebody who talks; typing on a phone takes its time. Some run into the room's pace
(three at once, then one each two seconds) all the same, as people do."""

LIKING = Exponential(mean=8.0, most=120.0)
"""Between two bursts of hearts."""

HEARTS = Geometric(mean=4.0, most=49)
"""Taps beyond the first of one burst; the client sends what came together as one message."""

REACTION = LogNormal(median=0.45, spread=0.5, least=0.15, most=30.0)
"""From seeing the sale open to the tap. People's reaction times are right-skewed with a median near half a
second for a simple choice, and nobody is faster than 0.15 s."""

SECOND_TAP = Exponential(mean=0.25, most=2.0)
"""An impatient finger taps again before the answer is there."""

PAYING = LogNormal(median=3.0, spread=0.6, least=0.5, most=60.0)
"""From the hold to the provider's button: a fingerprint for most, a password for some."""

SHARING = LogNormal(median=8.0, spread=0.6, least=1.0, most=120.0)
"""From coming in to sharing the link; who shares does so early, while it is news."""

FRIENDS = Geometric(mean=1.6, most=12)
"""Friends who follow one link. Shares travel some three levels on average in social commerce, which asks for
slightly more than one follower each; a geometric count has the long tail of the few who bring many."""


class Habit(StrEnum):
    """How a buyer treats an order."""

    PAYS = "pays"
    PAYS_LATE_NEWS = "pays, callback late"
    PAYS_NEWS_TWICE = "pays, callback twice"
    PAYS_NEWS_LOST = "pays, callback lost"
    PAYS_TWICE = "pays twice"
    DECLINED = "declined"
    CANCELS = "cancels"
    NEVER = "never pays"


PAYMENT_HABITS = Choice(
    {
        Habit.PAYS: 58,
        Habit.PAYS_LATE_NEWS: 5,
        Habit.PAYS_NEWS_TWICE: 8,
        Habit.PAYS_NEWS_LOST: 4,
        Habit.PAYS_TWICE: 8,
        Habit.DECLINED: 4,
        Habit.CANCELS: 5,
        Habit.NEVER: 8,
    }
)
"""Most pay. The rest is more frequent than in life, so that a short run meets each of them: the rare paths
are where shops lose money or stock."""

TAPS_TWICE = 0.25
"""Share of buyers whose finger slips into a second tap of the same wish."""

WANTS_MORE = 0.1
"""Share of buyers who try for a second unit, past the limit."""

CHEATS = 0.15
"""Share of sharers who follow their own link with a second account on the same phone."""

BOOKING = Exponential(mean=6.0, most=60.0)
"""Between two of a brand's requests for a slot; in life hours, here often enough that slots collide."""

TROLLING = Exponential(mean=4.0, most=30.0)
"""Between two of a troll's deeds."""


class Mischief(StrEnum):
    """What a troll does."""

    RUBBISH = "rubbish frames"
    HUGE = "a frame that is too large"
    WRONG_TOKEN = "a wrong token"
    FLOOD = "a flood of comments"
    HOSTS_COMMANDS = "the host's commands"


MISCHIEF = Choice(dict.fromkeys(Mischief, 1.0))
"""Each as often as the other: what matters is that none of it works."""


def named() -> dict[str, LogNormal | Exponential | Geometric | Choice]:
    """All distributions by name."""
    kinds = (LogNormal, Exponential, Geometric, Choice)
    return {name: value for name, value in globals().items() if isinstance(value, kinds)}


def reasons() -> dict[str, str]:
    """The source or reason of each distribution: what stands under it in this file."""
    statements = ast.parse(inspect.getsource(sys.modules[__name__])).body
    return {
        target.id: inspect.cleandoc(text)
        for assigned, said in pairwise(statements)
        if isinstance(assigned, ast.Assign) and isinstance(said, ast.Expr)
        for target, text in [(assigned.targets[0], ast.literal_eval(said.value))]
        if isinstance(target, ast.Name) and target.id in named()
    }


def name_of(distribution: object) -> str:
    """What a distribution is called."""
    return _NAMES[id(distribution)]


_NAMES = {id(value): name for name, value in named().items()}
