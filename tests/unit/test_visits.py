"""A visit is judged when it has lasted, and not a moment earlier."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from livecommerce.accounts import Person
from livecommerce.gateway.auth import Credential
from livecommerce.gateway.background import Background
from livecommerce.gateway.session import Session
from livecommerce.gateway.timing_wheel import TimingWheel
from livecommerce.gateway.visits import Visits

STAY_MS = 20_000


class FakeArrivals:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, int]] = []

    async def arrived(self, room: str, person: str, device: str, grant: str, at_ms: int) -> None:
        self.told.append(("arrived", grant, at_ms))

    async def stayed(self, room: str, person: str, device: str, grant: str, at_ms: int) -> None:
        self.told.append(("stayed", grant, at_ms))


class Door:
    """Visits with a clock and a wheel that only the test turns."""

    def __init__(self) -> None:
        self.now_ms = 1_000
        self.arrivals = FakeArrivals()
        self.background = Background()
        self.wheel = TimingWheel()
        self.visits = Visits(self.arrivals, self.wheel, self.background, lambda: self.now_ms, STAY_MS / 1000)

    def enter(self, grant: str = "g", device: str = "phone") -> Session:
        served = cast(Any, SimpleNamespace(live=SimpleNamespace(room="room")))
        session = Session(
            Credential(Person(person="bo", name="Bo"), 10**12, 0), served, device, grant, self.now_ms
        )
        self.visits.entered(session)
        return session

    async def pass_seconds(self, seconds: int, *, offset_ms: int = 0) -> list[tuple[str, str, int]]:
        """Turns the wheel; an offset puts its turns between the seconds of the clock."""
        for number in range(seconds):
            self.now_ms += 1000 - (offset_ms if number == 0 else 0)
            self.wheel.turn(0)
        await asyncio.sleep(0)  # what was spawned runs to its end: the fake never waits
        return self.arrivals.told


@pytest.fixture
def door() -> Door:
    return Door()


async def test_a_visit_through_a_link_is_told_at_its_begin_and_when_it_has_lasted(door: Door) -> None:
    door.enter()
    assert await door.pass_seconds(19) == [("arrived", "g", 1_000)]
    assert await door.pass_seconds(2) == [("arrived", "g", 1_000), ("stayed", "g", 21_000)]


async def test_a_wheel_that_turns_early_makes_no_visit_longer(door: Door) -> None:
    door.enter()
    told = await door.pass_seconds(22, offset_ms=700)
    assert [at_ms - 1_000 >= STAY_MS for what, _, at_ms in told if what == "stayed"] == [True]


async def test_a_visit_that_ends_early_is_not_judged(door: Door) -> None:
    session = door.enter()
    await door.pass_seconds(10)
    door.visits.left(session)
    assert await door.pass_seconds(30) == [("arrived", "g", 1_000)]


async def test_without_a_link_only_the_device_is_remembered(door: Door) -> None:
    door.enter(grant="")
    assert await door.pass_seconds(30) == [("arrived", "", 1_000)]


async def test_without_link_and_device_there_is_nothing_to_tell(door: Door) -> None:
    door.enter(grant="", device="")
    assert await door.pass_seconds(30) == []
