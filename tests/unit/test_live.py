"""A gateway's copy of a room keeps up, whatever the bus loses, repeats or delivers late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from livecommerce.errors import Conflict, Unavailable
from livecommerce.room import room as rules
from livecommerce.room.events import RoomEvent, SoldOut
from livecommerce.room.live import LiveRoom
from tests.fakes import FakeRooms
from tests.rooms import ROOM, a_comment, a_product, a_room

T = TypeVar("T")

NAMES = ("umbrella", "teapot", "lipstick", "tea")


REPLACED: WeakKeyDictionary[LiveRoom, list[None]] = WeakKeyDictionary()
"""How often each copy's state had to be replaced."""


async def live_room(store: FakeRooms, heard: list[RoomEvent] | None = None) -> LiveRoom:
    await store.create(a_room())
    sink = heard if heard is not None else []
    replaced: list[None] = []
    room = LiveRoom(await store.load(ROOM), store, sink.extend, lambda: replaced.append(None))
    REPLACED[room] = replaced
    return room


def pin(name: str) -> rules.Decide:
    return lambda state: rules.pin(state, a_product(name), 1)


def mute(person: str) -> rules.Decide:
    return lambda _: rules.mute(person, 60, 1)


Moderate = Callable[[str], rules.Decide]

MODERATION: tuple[Moderate, ...] = (
    mute,
    lambda name: lambda state: rules.slow_down(state, len(name), 1),
    lambda name: lambda state: rules.review_comments(state, len(name) > 3, 1),
    lambda name: lambda state: rules.pin_comment(state, a_comment(name), 1),
    lambda _: lambda state: rules.unpin_comment(state, 1),
    lambda name: lambda _: rules.delete_comment(name, 1),
    lambda name: lambda state: rules.appoint_moderator(state, name, name, 1),
    lambda name: lambda state: rules.dismiss_moderator(state, name, 1),
)
"""What moderators and hosts do to comments and people, each about one name."""


async def test_a_command_is_heard_once_though_the_bus_repeats_it() -> None:
    store, heard = FakeRooms(), list[RoomEvent]()
    room = await live_room(store, heard)
    await room.command(pin("tea"))
    assert room.absorb(room.epoch, store.logs[ROOM])
    assert [event.offset for event in heard] == [1]


async def test_two_moderators_cannot_both_place_the_third_pin() -> None:
    store = FakeRooms()
    one, two = await live_room(store), await live_room(store)
    await one.command(pin("tea"))
    await one.command(pin("umbrella"))
    await two.catch_up()
    await one.command(pin("teapot"))
    with pytest.raises(Conflict, match="pins_full"):
        await two.command(pin("lipstick"))
    assert len(two.state.pins) == 3


async def test_a_copy_that_lags_refuses_nothing_that_the_store_would_allow() -> None:
    store = FakeRooms()
    one, two = await live_room(store), await live_room(store)
    for name in NAMES[:3]:
        await one.command(pin(name))
    await two.catch_up()
    await one.command(lambda state: rules.unpin(state, "p-umbrella", 1))
    await two.command(pin("tea"))
    assert len(store.rooms[ROOM].state.pins) == 3


async def test_a_gap_is_noticed_and_filled_from_the_log() -> None:
    store = FakeRooms()
    room = await live_room(store)
    store.tell(ROOM, rules.mute("a", 60, 1))
    store.tell(ROOM, rules.mute("b", 60, 1))
    assert not room.absorb(room.epoch, store.logs[ROOM][1:])
    await room.catch_up()
    assert not REPLACED[room]
    assert room.state == store.rooms[ROOM].state


async def test_where_the_log_is_gone_the_state_is_replaced_and_viewers_need_a_resync() -> None:
    store = FakeRooms()
    room = await live_room(store)
    store.tell(ROOM, rules.mute("a", 60, 1))
    store.trim(ROOM, 0)
    await room.catch_up()
    assert len(REPLACED[room]) == 1
    assert (room.offset, room.state) == (1, store.rooms[ROOM].state)
    assert room.since(room.epoch, 0) is None


async def test_a_store_that_has_lost_its_last_events_gets_a_new_epoch() -> None:
    store = FakeRooms()
    one, two = await live_room(store), await live_room(store)
    for name in ("a", "b", "c"):
        await one.command(mute(name))
    await two.catch_up()
    before = one.epoch
    store.go_back(ROOM, 1)
    await one.command(mute("d"))
    await two.catch_up()
    assert len(REPLACED[one]) == len(REPLACED[two]) == 1
    assert one.epoch == two.epoch != before
    assert one.since(before, 1) is None
    assert (one.offset, one.state) == (2, store.rooms[ROOM].state) == (two.offset, two.state)


async def test_offsets_that_are_given_a_second_time_are_noticed() -> None:
    store = FakeRooms()
    room = await live_room(store)
    await room.command(mute("a"))
    before = room.epoch
    store.go_back(ROOM, 0)
    store.tell(ROOM, rules.mute("b", 60, 2))
    store.tell(ROOM, rules.mute("c", 60, 3))
    await room.catch_up()
    assert len(REPLACED[room]) == 1
    assert room.epoch != before
    assert room.state == store.rooms[ROOM].state


async def test_memory_answers_what_a_viewer_missed() -> None:
    room = await live_room(FakeRooms())
    for name in ("a", "b", "c"):
        await room.command(mute(name))
    missed = room.since(room.epoch, 1)
    assert missed is not None
    assert [event.offset for event in missed] == [2, 3]
    assert room.since(room.epoch, 3) == []
    assert room.since("another", 1) is None
    assert room.since(room.epoch, 9) is None


async def test_a_refusal_writes_nothing() -> None:
    store = FakeRooms()
    room = await live_room(store)
    with pytest.raises(Conflict):
        await room.command(lambda state: rules.start_show(rules.fold(state, rules.end_show(state, 1)), 2))
    assert store.logs[ROOM] == []


async def test_a_lost_answer_is_asked_for_again_and_nothing_is_appended_twice() -> None:
    store = FakeRooms()
    room = await live_room(store)
    store.lose_answers = 2
    await room.command(pin("tea"))
    assert (len(store.logs[ROOM]), room.offset) == (1, 1)


async def test_a_cold_gateway_answers_who_comes_back_from_the_log() -> None:
    store = FakeRooms()
    await (await live_room(store)).command(mute("a"))
    cold = await live_room(store)
    missed = cold.since(cold.epoch, 0)
    assert missed is not None
    assert [event.offset for event in missed] == [1]


async def test_while_the_store_is_away_the_copy_stays_as_it_is() -> None:
    store = FakeRooms()
    room = await live_room(store)
    store.away = True
    with pytest.raises(Unavailable):
        await room.command(pin("tea"))
    assert (room.offset, room.state) == (0, a_room())


class TwoGateways(RuleBasedStateMachine):
    """Two copies of one room, a store, and a bus that drops, repeats and delays."""

    @initialize()
    def open(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.store = FakeRooms()
        self.heard: list[list[RoomEvent]] = [[], []]
        self.copies = [self.run(live_room(self.store, heard)) for heard in self.heard]
        self.viewer_state, self.viewer_offset = a_room(), 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @rule(gateway=st.integers(0, 1), name=st.sampled_from(NAMES))
    def pins(self, gateway: int, name: str) -> None:
        try:
            self.run(self.copies[gateway].command(pin(name)))
        except Conflict:
            assert len(self.store.rooms[ROOM].state.pins) == rules.MAX_PINS

    @rule(gateway=st.integers(0, 1), name=st.sampled_from(NAMES))
    def unpins(self, gateway: int, name: str) -> None:
        self.run(self.copies[gateway].command(lambda state: rules.unpin(state, f"p-{name}", 1)))

    @rule(gateway=st.integers(0, 1), moderate=st.sampled_from(MODERATION), name=st.sampled_from(NAMES))
    def moderates(self, gateway: int, moderate: Moderate, name: str) -> None:
        self.run(self.copies[gateway].command(moderate(name)))

    @rule(name=st.sampled_from(NAMES))
    def the_inventory_appends(self, name: str) -> None:
        self.store.tell(ROOM, [SoldOut(at_ms=1, sale=name)])

    @rule(gateway=st.integers(0, 1), first=st.integers(0, 5), count=st.integers(0, 5))
    def the_bus_delivers_some_of_the_log(self, gateway: int, first: int, count: int) -> None:
        some: Sequence[RoomEvent] = self.store.logs[ROOM][-6:][first : first + count]
        if some and not self.copies[gateway].absorb(self.copies[gateway].epoch, some):
            self.run(self.copies[gateway].catch_up())

    @rule(gateway=st.integers(0, 1))
    def the_viewer_comes_back(self, gateway: int) -> None:
        room = self.copies[gateway]
        missed = room.since(room.epoch, self.viewer_offset)
        if missed is None:  # it has seen more on the other gateway, and gets a snapshot
            assert self.viewer_offset > room.offset
            self.viewer_state, self.viewer_offset = room.state, room.offset
            return
        self.viewer_state, self.viewer_offset = rules.fold(self.viewer_state, missed), room.offset
        assert self.viewer_state == room.state

    @invariant()
    def every_copy_holds_what_the_log_says(self) -> None:
        for room, heard in zip(self.copies, self.heard, strict=True):
            log = self.store.logs[ROOM][: room.offset]
            assert heard == log
            assert room.state == rules.fold(a_room(), log)

    def teardown(self) -> None:
        self.loop.close()


TwoGateways.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestTwoGateways = TwoGateways.TestCase
