"""What the nemesis does follows from its seed, and leaves nobody out."""

from __future__ import annotations

import pytest

from loadtests.chaos.plan import Kind, cards, plan

SEEDS = range(20)
DECK = cards(2, postgresql=True)


def test_a_seed_repeats_the_plan() -> None:
    assert plan(7, 600, DECK) == plan(7, 600, DECK)
    assert plan(7, 600, DECK) != plan(8, 600, DECK)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_minute_is_enough_for_nearly_every_blow_and_ten_for_each_often(seed: int) -> None:
    assert len({(blow.kind, blow.target) for blow in plan(seed, 60, DECK)}) >= 0.8 * len(DECK)
    often = [(blow.kind, blow.target) for blow in plan(seed, 600, DECK)]
    assert all(often.count(card) >= 3 for card in DECK)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_target_is_never_struck_while_it_is_down(seed: int) -> None:
    last: dict[str, float] = {}
    for blow in plan(seed, 600, DECK):
        assert blow.at_seconds > last.get(blow.target, 0.0)
        last[blow.target] = blow.ends_seconds


@pytest.mark.parametrize("seed", SEEDS)
def test_blows_come_in_order_and_in_time(seed: int) -> None:
    blows = plan(seed, 60, DECK)
    assert [blow.at_seconds for blow in blows] == sorted(blow.at_seconds for blow in blows)
    assert all(0 < blow.at_seconds < 60 for blow in blows)


def test_without_postgresql_nobody_strikes_it() -> None:
    assert all(target != "postgresql" for _, target in cards(1, postgresql=False))
    assert (Kind.KILL, "gateway-2") not in cards(1, postgresql=False)
