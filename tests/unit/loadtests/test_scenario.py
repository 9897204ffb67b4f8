"""Scenarios: how many people there are, when."""

from __future__ import annotations

import pytest

from loadtests.scenario import SCENARIOS, Incident

USERS = 200
STEPS = [step / 100 for step in range(101)]


def test_all_five_scenarios_are_there() -> None:
    assert set(SCENARIOS) == {
        "flash-crowd",
        "slow-build",
        "reconnect-storm",
        "rolling-restart",
        "long-evening",
    }


@pytest.mark.parametrize("name", SCENARIOS)
def test_there_is_always_somebody_and_never_too_many(name: str) -> None:
    assert all(1 <= SCENARIOS[name].people(USERS, step) <= USERS for step in STEPS)


def test_a_flash_crowd_is_there_at_once() -> None:
    assert SCENARIOS["flash-crowd"].people(USERS, 0.0) == USERS


def test_a_slow_build_only_grows() -> None:
    people = [SCENARIOS["slow-build"].people(USERS, step) for step in STEPS]
    assert people == sorted(people)
    assert people[0] < USERS // 5 < people[-1] == USERS


def test_an_evening_rises_waves_and_falls() -> None:
    people = [SCENARIOS["long-evening"].people(USERS, step) for step in STEPS]
    middle = people[20:80]
    assert people[0] < USERS // 4 > people[-1]
    assert min(middle) < max(middle)


def test_incidents_come_while_the_show_is_on() -> None:
    assert {incident for _, incident in SCENARIOS["reconnect-storm"].incidents} == {Incident.STORM}
    assert {incident for _, incident in SCENARIOS["rolling-restart"].incidents} == {Incident.RESTART}
    assert all(0 < at < 1 for one in SCENARIOS.values() for at, _ in one.incidents)
