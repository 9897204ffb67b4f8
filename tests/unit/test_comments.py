"""Which comments a room hears."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecommerce.comments import (
    BURST,
    MAX_LENGTH,
    MOST_REMEMBERED,
    REFILL_MS,
    ROOM_BURST,
    ROOM_PER_SECOND,
    Pace,
    Paces,
    RoomBudget,
    clean_comment,
)
from livecommerce.errors import Invalid, TooMany


def test_spaces_and_control_characters_do_not_reach_the_room() -> None:
    assert clean_comment("  how\tlong\n\n is it?\x00 ") == "how long is it?"


def test_emoji_keep_their_joints() -> None:
    family = "👨‍👩‍👧"
    assert clean_comment(family) == family


@pytest.mark.parametrize("text", ["", "   ", "\x00\x01", "x" * (MAX_LENGTH + 1)])
def test_what_is_empty_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        clean_comment(text)


@given(st.text())
def test_a_cleaned_comment_is_one_visible_line(text: str) -> None:
    try:
        line = clean_comment(text)
    except Invalid:
        return
    assert line == line.strip()
    assert "\n" not in line
    assert clean_comment(line) == line


def test_a_burst_is_allowed_and_then_one_comment_per_refill() -> None:
    pace = Pace(updated_ms=0)
    for _ in range(BURST):
        pace.take(0)
    with pytest.raises(TooMany) as refused:
        pace.take(REFILL_MS // 2)
    assert refused.value.params["wait_ms"] == REFILL_MS // 2 + 1
    pace.take(REFILL_MS + 1)


def test_a_flooded_room_takes_a_burst_then_so_many_a_second_and_the_exempt_always() -> None:
    budget = RoomBudget()
    now_ms = 60_000
    shown = [budget.admit(now_ms, exempt=False) for _ in range(ROOM_BURST + 5)]
    assert shown == [True] * ROOM_BURST + [False] * 5
    assert budget.admit(now_ms, exempt=True)
    later = [budget.admit(now_ms + 100, exempt=False) for _ in range(ROOM_PER_SECOND)]
    assert sum(later) == ROOM_PER_SECOND // 10


def test_a_person_has_one_pace_however_many_connections_they_have() -> None:
    paces = Paces()
    for _ in range(BURST):
        paces.take("lin", 0)
    with pytest.raises(TooMany):
        paces.take("lin", 0)
    paces.take("ann", 0)


def test_what_another_gateway_accepted_counts_too() -> None:
    paces = Paces()
    for _ in range(BURST + 2):
        paces.note("lin", 0)
    with pytest.raises(TooMany):
        paces.take("lin", 0)


def test_who_has_been_quiet_is_forgotten_and_who_has_not_keeps_the_pace() -> None:
    paces, later_ms = Paces(), BURST * REFILL_MS + 1
    for number in range(MOST_REMEMBERED - 1):
        paces.take(f"p{number}", 0)
    for _ in range(BURST):
        paces.take("lin", later_ms)
    paces.take("ann", later_ms)
    assert len(paces) == 2
    with pytest.raises(TooMany):
        paces.take("lin", later_ms)
