"""What people do stays in its bounds, has its median, and repeats with its seed."""

from __future__ import annotations

from random import Random
from statistics import fmean, median

import pytest

from loadtests import distributions
from loadtests.distributions import Choice, Exponential, Geometric, Habit, LogNormal

DRAWS = 4_000
Distribution = LogNormal | Exponential | Geometric | Choice
NAMED = {
    name: value
    for name, value in vars(distributions).items()
    if isinstance(value, LogNormal | Exponential | Geometric | Choice)
}
TIMES = {name: value for name, value in NAMED.items() if isinstance(value, LogNormal | Exponential)}
LOG_NORMAL = {name: value for name, value in NAMED.items() if isinstance(value, LogNormal)}
COUNTS = {name: value for name, value in NAMED.items() if isinstance(value, Geometric)}


@pytest.mark.parametrize("name", TIMES)
def test_times_stay_in_their_bounds(name: str) -> None:
    distribution = TIMES[name]
    least = distribution.least if isinstance(distribution, LogNormal) else 0.0
    random = Random(name)
    assert all(least <= distribution.draw(random) <= distribution.most for _ in range(DRAWS))


@pytest.mark.parametrize("name", COUNTS)
def test_counts_stay_in_their_bounds_and_have_their_mean(name: str) -> None:
    distribution = COUNTS[name]
    random = Random(name)
    drawn = [distribution.draw(random) for _ in range(DRAWS)]
    assert min(drawn) >= 0
    assert max(drawn) <= distribution.most
    assert fmean(drawn) == pytest.approx(distribution.mean, rel=0.15)


@pytest.mark.parametrize("name", LOG_NORMAL)
def test_half_of_the_log_normal_times_are_below_their_median(name: str) -> None:
    distribution = LOG_NORMAL[name]
    random = Random(name)
    assert median(distribution.draw(random) for _ in range(DRAWS)) == pytest.approx(
        distribution.median, rel=0.1
    )


@pytest.mark.parametrize("name", NAMED)
def test_a_seed_repeats_an_audience(name: str) -> None:
    distribution: Distribution = NAMED[name]
    first, second = Random(7), Random(7)
    assert [distribution.draw(first) for _ in range(50)] == [distribution.draw(second) for _ in range(50)]


def test_every_distribution_has_a_source_or_a_reason() -> None:
    reasons = distributions.reasons()
    assert set(reasons) == set(NAMED)
    assert reasons["FRIENDS"].startswith("Friends who follow one link.")
    assert all(len(text.split()) >= 5 for text in reasons.values())


def test_every_habit_is_met() -> None:
    random = Random(7)
    drawn = {distributions.PAYMENT_HABITS.draw(random) for _ in range(DRAWS)}
    assert drawn == set(Habit)
