"""When a room's state and crowd go out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from livecommerce.gateway.tick import (
    COUNTS_SECONDS,
    GATHER,
    SLOWEST_TICK_SECONDS,
    TICK_SECONDS,
    Tick,
    tick_seconds,
)


class Timer:
    def __init__(self, at: float) -> None:
        self.at = at
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """A loop's clock and timers that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[Timer, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, deed: Callable[[], None]) -> Timer:
        timer = Timer(at)
        self.timers.append((timer, deed))
        return timer

    def run_until(self, end: float) -> None:
        while due := [pair for pair in self.timers if pair[0].at <= end and not pair[0].cancelled]:
            timer, deed = min(due, key=lambda pair: pair[0].at)
            self.timers.remove((timer, deed))
            self.now = timer.at
            deed()
        self.now = end


class Room:
    """Remembers when it was flushed."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.tick = Tick(self.flush, cast("asyncio.AbstractEventLoop", self.loop))
        self.flushed: list[float] = []

    def flush(self) -> None:
        self.flushed.append(round(self.loop.now - 100, 4))
        self.tick.passed()


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.mark.parametrize(
    ("viewers", "seconds"),
    [(0, TICK_SECONDS), (2_000, TICK_SECONDS), (4_000, 0.1), (50_000, SLOWEST_TICK_SECONDS)],
)
def test_the_tick_grows_with_the_room(viewers: int, seconds: float) -> None:
    assert tick_seconds(viewers) == seconds


def test_after_a_pause_something_goes_out_nearly_at_once(room: Room) -> None:
    room.tick.ask(range(4_000))
    room.loop.run_until(101)
    assert room.flushed == [round(0.1 * GATHER, 4)]


def test_what_comes_all_the_time_goes_out_once_a_tick(room: Room) -> None:
    for step in range(100):
        room.loop.run_until(100 + step / 100)
        room.tick.ask(range(4_000))
    assert room.flushed == [round(0.1 * GATHER + 0.1 * number, 4) for number in range(10)]


def test_a_control_event_takes_along_what_waits_and_nothing_goes_out_twice(room: Room) -> None:
    room.tick.ask(range(4_000))
    room.tick.passed()
    room.loop.run_until(101)
    assert room.flushed == []


def test_numbers_alone_go_out_less_often_and_with_something_else_at_once(room: Room) -> None:
    room.tick.passed()
    room.tick.ask(range(100), COUNTS_SECONDS)
    room.loop.run_until(100.2)
    assert room.flushed == []
    room.tick.ask(range(100))
    room.tick.ask(range(100), COUNTS_SECONDS)
    room.loop.run_until(101)
    assert room.flushed == [round(0.2 + TICK_SECONDS * GATHER, 4)]


def test_a_room_that_is_closed_is_flushed_no_more(room: Room) -> None:
    room.tick.ask(range(10))
    room.tick.stop()
    room.loop.run_until(101)
    assert room.flushed == []
