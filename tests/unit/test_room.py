"""The rules of a room, and the law that joins events and state."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from livecommerce.errors import Conflict, DomainError
from livecommerce.room import room as rules
from livecommerce.room import stage
from livecommerce.room.cards import (
    FLASH,
    SHELF,
    DropCard,
    PersonCard,
    RoomState,
    SaleCard,
    SegmentCard,
    StreamCard,
)
from livecommerce.room.events import Restocked, RoomEvent, SaleAdjusted, SaleClosed, SaleScheduled, SoldOut
from tests.rooms import a_comment, a_product, a_room, a_sale, opened

NAMES = ("umbrella", "teapot", "lipstick", "tea")


def after(state: RoomState, *steps: Sequence[RoomEvent]) -> RoomState:
    for events in steps:
        state = rules.fold(state, events)
    return state


def test_a_show_starts_once() -> None:
    state = after(a_room("scheduled"), rules.start_show(a_room("scheduled"), 2_000))
    assert (state.phase, state.started_ms) == ("live", 2_000)
    assert rules.start_show(state, 3_000) == ()


def test_an_ended_show_stays_ended() -> None:
    ended = after(a_room(), rules.end_show(a_room(), 9_000))
    assert ended.phase == "ended"
    with pytest.raises(Conflict, match="show_ended"):
        rules.start_show(ended, 10_000)


def test_a_show_that_never_began_cannot_end() -> None:
    with pytest.raises(Conflict, match="show_not_live"):
        rules.end_show(a_room("scheduled"), 1)


def test_the_newest_pin_is_in_front_and_a_repeated_one_moves_there() -> None:
    state = a_room()
    for number, name in enumerate(("tea", "umbrella", "tea")):
        state = rules.fold(state, rules.pin(state, a_product(name), number))
    assert [card.product.product for card in state.pins] == ["p-tea", "p-umbrella"]


def test_a_fourth_pin_is_refused() -> None:
    state = a_room()
    for name in NAMES[:3]:
        state = rules.fold(state, rules.pin(state, a_product(name), 1))
    with pytest.raises(Conflict, match="pins_full"):
        rules.pin(state, a_product(NAMES[3]), 2)


def test_one_sku_has_one_running_sale() -> None:
    state = rules.fold(a_room(), [opened(a_sale())])
    with pytest.raises(Conflict, match="sale_running"):
        rules.check_sale(state, a_sale().sku, FLASH)
    rules.check_sale(state, a_sale().sku, SHELF)


def test_a_closed_sale_leaves_when_the_next_opens() -> None:
    state = rules.fold(a_room(), [opened(a_sale())])
    state = rules.fold(state, [SaleClosed(at_ms=6_000, sale="sale-umbrella")])
    state = rules.fold(state, [opened(a_sale("tea"))])
    assert [sale.sale for sale in state.sales] == ["sale-tea"]


def test_an_adjusted_sale_has_its_new_price_and_keeps_its_phase() -> None:
    state = rules.fold(a_room(), [opened(a_sale()), SoldOut(at_ms=6, sale="sale-umbrella")])
    cheaper = replace(a_sale(), version=2, price_minor=5_000)
    state = rules.fold(state, [SaleAdjusted(at_ms=7, sale=cheaper)])
    assert state.sales == (replace(cheaper, phase="sold_out"),)


def test_a_scheduled_sale_is_shown_until_it_opens_in_its_place() -> None:
    soon = replace(a_sale(), phase="scheduled")
    state = rules.fold(a_room(), [SaleScheduled(at_ms=1, sale=soon), opened(a_sale("tea"))])
    assert [sale.phase for sale in state.sales] == ["open", "scheduled"]
    with pytest.raises(Conflict, match="sale_running"):
        rules.check_sale(state, soon.sku, FLASH)
    state = rules.fold(state, [opened(a_sale())])
    assert [(sale.sale, sale.phase) for sale in state.sales] == [
        ("sale-umbrella", "open"),
        ("sale-tea", "open"),
    ]


def test_a_cancelled_sale_is_gone_with_the_next() -> None:
    soon = replace(a_sale(), phase="scheduled")
    state = rules.fold(a_room(), [SaleScheduled(at_ms=1, sale=soon), SaleClosed(at_ms=2, sale=soon.sale)])
    assert [sale.phase for sale in state.sales] == ["closed"]
    assert len(rules.fold(state, [opened(a_sale("tea"))]).sales) == 1


def test_units_that_come_back_open_a_sold_out_sale_but_not_a_closed_one() -> None:
    state = rules.fold(a_room(), [opened(a_sale())])
    sold_out, restocked = SoldOut(at_ms=6, sale="sale-umbrella"), Restocked(at_ms=7, sale="sale-umbrella")
    assert rules.fold(state, [sold_out]).sales[0].phase == "sold_out"
    assert rules.fold(state, [sold_out, restocked]).sales[0].phase == "open"
    closed = SaleClosed(at_ms=7, sale="sale-umbrella")
    assert rules.fold(state, [sold_out, closed, restocked]).sales[0].phase == "closed"


def test_a_late_word_about_a_replaced_stream_changes_nothing() -> None:
    state = a_room()
    for stream in ("first", "second"):
        card = StreamCard(seat="host", stream=stream, since_ms=1)
        state = rules.fold(state, stage.show_stream(state, card, 1))
    assert stage.hide_stream(state, "host", "first", 2) == ()
    assert after(state, stage.hide_stream(state, "host", "second", 2)).streams == ()


def a_guest(name: str) -> PersonCard:
    return PersonCard(person=name, name=name.title(), role="viewer")


def test_guests_get_the_first_free_seat_once() -> None:
    state = after(a_room(), stage.give_seat(a_room(), a_guest("ann"), 1))
    state = after(state, stage.give_seat(state, a_guest("bo"), 2))
    assert [(card.seat, card.person.person) for card in state.seats] == [
        ("guest-1", "ann"),
        ("guest-2", "bo"),
    ]
    assert stage.give_seat(state, a_guest("ann"), 3) == ()
    assert stage.give_seat(state, state.host, 3) == ()
    state = after(state, stage.vacate_seat(state, "guest-1", 4))
    state = after(state, stage.give_seat(state, a_guest("cy"), 5))
    assert stage.seat_of(state, "cy") == "guest-1"


def test_a_room_seats_only_so_many_guests() -> None:
    state = a_room()
    for number in range(stage.MAX_GUESTS):
        state = after(state, stage.give_seat(state, a_guest(f"p{number}"), 1))
    with pytest.raises(Conflict, match="seats_full"):
        stage.give_seat(state, a_guest("one-more"), 2)


def test_a_seat_that_is_taken_back_takes_its_picture_and_the_last_one_the_layout() -> None:
    state = after(a_room(), stage.give_seat(a_room(), a_guest("ann"), 1))
    state = after(state, stage.show_stream(state, StreamCard(seat="guest-1", stream="s", since_ms=2), 2))
    state = after(state, stage.arrange(state, "side-by-side", 3), stage.vacate_seat(state, "guest-1", 4))
    assert (state.seats, state.streams) == ((), ())
    state = after(a_room(), stage.give_seat(a_room(), a_guest("ann"), 1))
    state = after(state, stage.arrange(state, "side-by-side", 3))
    assert after(state, stage.vacate_seat(state, "guest-1", 4)).layout == "single"
    assert stage.vacate_seat(a_room(), "guest-1", 5) == ()


def test_a_picture_from_a_seat_that_nobody_has_is_not_shown() -> None:
    card = StreamCard(seat="guest-1", stream="late", since_ms=1)
    assert stage.show_stream(a_room(), card, 1) == ()


def test_a_new_segment_ends_the_one_before() -> None:
    state = rules.fold(a_room(), rules.start_segment(a_room(), a_segment("one"), 1))
    events = rules.start_segment(state, a_segment("two"), 2)
    assert [event.__struct_config__.tag for event in events] == ["segment.ended", "segment.started"]
    assert rules.start_segment(rules.fold(state, events), a_segment("two"), 3) == ()


def test_a_mute_ends_by_itself_and_by_command() -> None:
    state = rules.fold(a_room(), rules.mute("troll", 60, 1_000))
    assert state.muted == {"troll": 61_000}
    assert rules.fold(state, rules.mute("troll", 0, 2_000)).muted == {}
    assert rules.fold(state, rules.mute("other", 60, 70_000)).muted == {"other": 130_000}


def test_a_moderator_is_appointed_once_and_dismissed_once() -> None:
    state = rules.fold(a_room(), rules.appoint_moderator(a_room(), "mo", "Mo", 1))
    assert [(card.name, card.role) for card in state.moderators] == [("Mo", "moderator")]
    assert rules.appoint_moderator(state, "mo", "Mo again", 2) == ()
    assert rules.appoint_moderator(state, state.host.person, "Mei", 2) == ()
    state = rules.fold(state, rules.dismiss_moderator(state, "mo", 3))
    assert state.moderators == ()
    assert rules.dismiss_moderator(state, "mo", 4) == ()


def test_a_room_has_only_so_many_moderators() -> None:
    state = a_room()
    for number in range(rules.MAX_MODERATORS):
        state = rules.fold(state, rules.appoint_moderator(state, f"p{number}", "Mo", 1))
    with pytest.raises(Conflict, match="moderators_full"):
        rules.appoint_moderator(state, "one-more", "Mo", 2)


def a_segment(name: str) -> SegmentCard:
    return SegmentCard(
        segment=name,
        kind="brand",
        title={"en": name},
        brand="zz" + "B" * 26,
        brand_name={"en": "Brand"},
        starts_ms=1,
        ends_ms=100_000,
    )


def a_drop(name: str, at_ms: int) -> DropCard:
    return DropCard(
        drop=name,
        campaign="c",
        title={"en": name},
        discount_minor=500,
        threshold_minor=0,
        currency="CNY",
        count=3,
        ends_ms=at_ms + 10,
    )


KINDS = (
    *("start", "end", "pin", "unpin", "open", "schedule", "sold_out", "restocked", "closed", "drop"),
    *("segment", "segment_end", "stream", "hide", "mute", "delete", "arrange", "adjusted"),
    *("give_seat", "vacate", "slow", "review", "pin_comment", "unpin_comment", "appoint", "dismiss"),
)


def steps() -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.sampled_from(KINDS), st.sampled_from(NAMES))


def events_of(state: RoomState, kind: str, name: str, at_ms: int) -> Sequence[RoomEvent]:
    """What a command or the inventory would append now; refusals append nothing."""
    seat = ("host", "guest-1", "guest-2", "guest-3")[NAMES.index(name)]
    choices: dict[str, Callable[[], Sequence[RoomEvent]]] = {
        "start": lambda: rules.start_show(state, at_ms),
        "end": lambda: rules.end_show(state, at_ms),
        "pin": lambda: rules.pin(state, a_product(name), at_ms),
        "unpin": lambda: rules.unpin(state, f"p-{name}", at_ms),
        "open": lambda: _opened(state, a_sale(name, at_ms)),
        "schedule": lambda: _scheduled(state, replace(a_sale(name, at_ms), phase="scheduled")),
        "sold_out": lambda: [SoldOut(at_ms=at_ms, sale=f"sale-{name}")],
        "restocked": lambda: [Restocked(at_ms=at_ms, sale=f"sale-{name}")],
        "adjusted": lambda: [SaleAdjusted(at_ms=at_ms, sale=replace(a_sale(name), version=2, price_minor=1))],
        "closed": lambda: [SaleClosed(at_ms=at_ms, sale=f"sale-{name}")],
        "drop": lambda: [rules.drop_coupon(state, a_drop(name, at_ms), at_ms)],
        "segment": lambda: rules.start_segment(state, a_segment(name), at_ms),
        "segment_end": lambda: rules.end_segment(state, at_ms),
        "give_seat": lambda: stage.give_seat(state, PersonCard(person=name, name=name, role="viewer"), at_ms),
        "vacate": lambda: stage.vacate_seat(state, seat, at_ms),
        "stream": lambda: stage.show_stream(state, StreamCard(seat=seat, stream=name, since_ms=at_ms), at_ms),
        "hide": lambda: stage.hide_stream(state, seat, name, at_ms),
        "mute": lambda: rules.mute(name, 60, at_ms),
        "delete": lambda: rules.delete_comment(name, at_ms),
        "slow": lambda: rules.slow_down(state, at_ms % 3 * 5, at_ms),
        "review": lambda: rules.review_comments(state, at_ms % 2 == 0, at_ms),
        "pin_comment": lambda: rules.pin_comment(state, a_comment(name), at_ms),
        "unpin_comment": lambda: rules.unpin_comment(state, at_ms),
        "appoint": lambda: rules.appoint_moderator(state, name, name.title(), at_ms),
        "dismiss": lambda: rules.dismiss_moderator(state, name, at_ms),
        "arrange": lambda: stage.arrange(state, stage.LAYOUTS[at_ms % 3], at_ms),
    }
    try:
        return choices[kind]()
    except DomainError:
        return ()


def _opened(state: RoomState, sale: SaleCard) -> Sequence[RoomEvent]:
    """Also one that was scheduled opens so."""
    if all((card.sale, card.phase) != (sale.sale, "scheduled") for card in state.sales):
        rules.check_sale(state, sale.sku, sale.kind)
    return [opened(sale)]


def _scheduled(state: RoomState, sale: SaleCard) -> Sequence[RoomEvent]:
    rules.check_sale(state, sale.sku, sale.kind)
    return [SaleScheduled(at_ms=sale.opens_ms, sale=sale)]


@given(st.lists(steps(), max_size=40), st.integers(0, 40))
def test_old_state_and_events_give_the_fresh_state(taken: list[tuple[str, str]], left_at: int) -> None:
    fresh = a_room("scheduled")
    log: list[RoomEvent] = []
    old, old_offset = fresh, 0
    for at_ms, (kind, name) in enumerate(taken):
        if at_ms == left_at:
            old, old_offset = fresh, len(log)
        for event in events_of(fresh, kind, name, at_ms):
            log.append(replace(event, offset=len(log) + 1))
            fresh = rules.fold(fresh, log[-1:])
    assert rules.fold(old, log[old_offset:]) == fresh


@given(st.lists(steps(), max_size=40))
def test_a_room_never_breaks_its_bounds(taken: list[tuple[str, str]]) -> None:
    state = a_room("scheduled")
    for at_ms, (kind, name) in enumerate(taken):
        state = rules.fold(state, events_of(state, kind, name, at_ms))
        assert len(state.pins) <= rules.MAX_PINS
        moderators = [card.person for card in state.moderators]
        assert len(moderators) == len(set(moderators)) <= rules.MAX_MODERATORS
        running = [sale.sku for sale in state.sales if sale.phase != "closed"]
        assert len(running) == len(set(running))
        assert state.phase == "live" or not running or state.phase == "scheduled"
