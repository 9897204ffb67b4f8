"""Scenarios as locust's shapes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from loadtests.scenario import SCENARIOS

with pytest.MonkeyPatch.context() as importing:
    importing.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")  # the other tests want Python's own sockets
    from loadtests.scenario_shape import DEFAULT_USERS, ScenarioShape
    from loadtests.shapes import SHAPES


def a_shape(name: str, passed: float, **options: float) -> ScenarioShape:
    """A scenario's shape some seconds after its beginning, under locust's options."""
    shape = SHAPES[name]()
    environment = SimpleNamespace(parsed_options=SimpleNamespace(**options))
    vars(shape)["runner"] = SimpleNamespace(environment=environment)
    vars(shape)["get_run_time"] = lambda: passed
    return shape


def test_every_scenario_can_be_chosen_under_locust_too() -> None:
    assert {name: shape.scenario for name, shape in SHAPES.items()} == SCENARIOS


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_has_the_people_of_its_scenario(name: str) -> None:
    tick = a_shape(name, 20.0, num_users=80, run_time=40).tick()
    assert tick is not None
    assert tick[0] == SCENARIOS[name].people(80, 0.5)


def test_a_show_is_as_long_as_asked_for_and_then_over() -> None:
    assert a_shape("reconnect-storm", 19.9, num_users=20, run_time=20).tick() is not None
    assert a_shape("reconnect-storm", 20.1, num_users=20, run_time=20).tick() is None


def test_a_show_of_no_given_length_has_its_scenarios_own() -> None:
    own = SCENARIOS["rolling-restart"].seconds
    assert a_shape("rolling-restart", own - 0.1, num_users=20).tick() is not None
    assert a_shape("rolling-restart", own + 0.1, num_users=20).tick() is None


def test_a_show_is_not_over_while_gateways_still_restart() -> None:
    shape = a_shape("rolling-restart", 99.0, num_users=20, run_time=20)
    shape.is_busy = lambda: True
    assert shape.tick() is not None


def test_one_person_is_what_locust_says_where_nobody_asked_for_a_number() -> None:
    assert a_shape("flash-crowd", 1.0, num_users=1, run_time=20).users == DEFAULT_USERS
