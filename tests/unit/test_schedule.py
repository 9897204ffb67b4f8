"""What may stand in a schedule, and how an overrun moves it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from livecommerce.errors import Conflict, Invalid
from livecommerce.money import PPM
from livecommerce.schedule.booking import Booking, check_booking, check_host
from livecommerce.schedule.segment import (
    NEXT,
    Segment,
    check_request,
    closed_with_show,
    extend,
    pushed,
    put_on_air,
    turn,
)
from livecommerce.schedule.show import check_plan, lateness_ms
from tests.schedules import MINUTE, a_segment, a_show


def booking(segment: Segment, *categories: str) -> Booking:
    return Booking(segment=segment, categories=frozenset(categories))


def refusal(candidate: Segment, other: Segment, mine: str = "tea", theirs: str = "shoes") -> str | None:
    try:
        check_booking(booking(candidate, mine), a_show(), [booking(other, theirs)])
    except Conflict as error:
        return error.code
    return None


# ---------------------------------------------------------------- bookings


def test_a_slot_is_given_once() -> None:
    taken = a_segment("b", 10, 20, brand="other", products=("shoe",), state="confirmed")
    assert refusal(a_segment("a", 19, 30), taken) == "slot_taken"


def test_a_segment_may_begin_as_another_ends() -> None:
    before = a_segment("b", 10, 20, brand="other", products=("shoe",), state="confirmed")
    assert refusal(a_segment("a", 20, 30), before) is None


def test_requests_that_nobody_accepted_keep_nobody_away() -> None:
    for state in ("requested", "declined", "canceled", "done"):
        assert refusal(a_segment("a", 10, 20), a_segment("b", 10, 20, brand="other", state=state)) is None


def test_a_brand_is_a_guest_in_one_show_at_a_time() -> None:
    elsewhere = a_segment("b", 10, 20, room="00other", products=("pot",), state="confirmed")
    assert refusal(a_segment("a", 15, 25), elsewhere) == "brand_booked"
    assert refusal(a_segment("a", 20, 30), elsewhere) is None


def test_a_product_is_in_one_show_at_a_time() -> None:
    elsewhere = a_segment("b", 10, 20, room="00other", brand="other", state="on_air")
    assert refusal(a_segment("a", 15, 25), elsewhere) == "product_booked"


def test_rivals_of_a_category_keep_apart() -> None:
    rival = a_segment("b", 10, 20, brand="other", products=("oolong",), state="confirmed")
    assert refusal(a_segment("a", 34, 40), rival, "tea", "tea") == "rival_booked"
    assert refusal(a_segment("a", 35, 40), rival, "tea", "tea") is None
    assert refusal(a_segment("a", 20, 30), rival, "tea", "shoes") is None


def test_a_brand_is_not_its_own_rival() -> None:
    assert refusal(a_segment("a", 20, 30), a_segment("b", 10, 20, state="confirmed"), "tea", "tea") is None


def test_a_segment_is_not_in_its_own_way() -> None:
    assert refusal(a_segment("a", 10, 20), a_segment("a", 10, 20, state="confirmed")) is None


@pytest.mark.parametrize(("starts", "ends"), [(-1, 10), (110, 121)])
def test_a_segment_stays_inside_its_show(starts: int, ends: int) -> None:
    assert refusal(a_segment("a", starts, ends), a_segment("b", 50, 60)) == "outside_show"


def test_an_early_start_makes_room() -> None:
    early = replace(a_show(starts=60), phase="live", started_ms=30 * MINUTE)
    check_booking(booking(a_segment("a", 40, 50)), early, [])


def test_an_ended_show_takes_no_segment() -> None:
    with pytest.raises(Conflict, match="show_ended"):
        check_booking(booking(a_segment("a", 10, 20)), replace(a_show(), phase="ended"), [])


def test_a_host_is_in_one_show_at_a_time() -> None:
    with pytest.raises(Conflict, match="host_booked"):
        check_host(a_show("b", starts=60), [a_show("a")])
    check_host(a_show("b", starts=120), [a_show("a")])
    check_host(a_show("b", starts=60), [replace(a_show("a"), phase="ended")])
    check_host(a_show("a"), [a_show("a")])


# ---------------------------------------------------------------- states


@pytest.mark.parametrize("state", ["requested", "confirmed", "declined", "canceled", "on_air", "done"])
@pytest.mark.parametrize("action", ["accept", "decline", "cancel", "air", "finish"])
def test_only_listed_actions_change_a_state(state: str, action: str) -> None:
    segment = a_segment("a", 0, 10, state=state)
    after = NEXT.get((state, action))
    assert segment.can(action) == (after is not None)
    if after is None:
        with pytest.raises(Conflict, match="segment_state"):
            turn(segment, action)
    else:
        assert (turn(segment, action).state, turn(segment, action).version) == (after, 2)


def test_the_end_of_the_show_ends_what_is_open() -> None:
    ends = {"requested": "canceled", "confirmed": "canceled", "on_air": "done"}
    for state, after in ends.items():
        assert [one.state for one in closed_with_show(a_segment("a", 0, 10, state=state))] == [after]
    assert closed_with_show(a_segment("a", 0, 10, state="declined")) == []


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "advert"},
        {"ends_ms": 0},
        {"products": ()},
        {"products": ("tea", "tea")},
        {"commission_ppm": -1},
        {"note": "x" * 501},
    ],
)
def test_a_request_has_a_form(change: dict[str, object]) -> None:
    check_request(a_segment("a", 0, 10), PPM)
    with pytest.raises(Invalid, match="bad_segment"):
        check_request(replace(a_segment("a", 0, 10), **change), PPM)


def test_no_more_commission_is_agreed_than_an_order_can_carry() -> None:
    check_request(replace(a_segment("a", 0, 10), commission_ppm=690_000), 690_000)
    with pytest.raises(Invalid, match="commission_too_high"):
        check_request(replace(a_segment("a", 0, 10), commission_ppm=690_001), 690_000)


@pytest.mark.parametrize(
    ("starts", "ends", "zone"),
    [
        (0, 1, "UTC"),
        (0, 25 * 3_600_000, "UTC"),
        (-25 * 3_600_000, -24 * 3_600_000, "UTC"),
        (800 * 24 * 3_600_000, (800 * 24 + 1) * 3_600_000, "UTC"),
        (0, 3_600_000, "Moon/Sea"),
    ],
)
def test_a_show_has_a_time_and_a_zone(starts: int, ends: int, zone: str) -> None:
    now_ms = 1_800_000_000_000
    check_plan(now_ms, now_ms + 3_600_000, "Asia/Shanghai", now_ms)
    with pytest.raises(Invalid, match="bad_time"):
        check_plan(now_ms + starts, now_ms + ends, zone, now_ms)


# ---------------------------------------------------------------- overruns


def test_only_a_late_start_moves_the_plan() -> None:
    assert lateness_ms(a_show(starts=10), 11 * MINUTE) == MINUTE
    assert lateness_ms(a_show(starts=10), 9 * MINUTE) == 0


def test_more_time_is_for_what_is_on_air() -> None:
    on_air = put_on_air(a_segment("a", 0, 10, state="confirmed"), 1, 10 * MINUTE)
    assert extend(on_air, 60_000).ends_ms == 11 * MINUTE
    with pytest.raises(Conflict, match="segment_state"):
        extend(a_segment("a", 0, 10, state="confirmed"), 60_000)


def test_an_overrun_moves_what_follows_until_a_gap_takes_it_up() -> None:
    starts = {"a": 10, "b": 20, "c": 50}
    plan = [a_segment(name, start, start + 10, state="confirmed") for name, start in starts.items()]
    moved = pushed(plan, 15 * MINUTE)
    assert [(one.segment, one.starts_ms // MINUTE) for one in moved] == [("a", 15), ("b", 25)]


slots = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 30)), max_size=8)


@given(slots, st.integers(0, 250))
def test_after_a_push_nothing_overlaps_and_nothing_is_shorter_or_earlier(
    wanted: list[tuple[int, int]], busy_until: int
) -> None:
    plan, free = [], 0
    for number, (gap, length) in enumerate(wanted):
        plan.append(a_segment(str(number), free + gap, free + gap + length, state="confirmed"))
        free += gap + length
    moved = {one.segment: one for one in pushed(plan, busy_until * MINUTE)}
    after = [moved.get(one.segment, one) for one in plan]
    for old, new in zip(plan, after, strict=True):
        assert new.length_ms == old.length_ms
        assert new.starts_ms >= max(old.starts_ms, busy_until * MINUTE)
    assert not any(one.overlaps(two) for one, two in pairwise(after))
