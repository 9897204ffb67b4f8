"""Which comments a room hears."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecommerce.comments import BURST, MAX_LENGTH, REFILL_MS, Pace, RoomBudget, clean_comment
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


def test_a_flooded_room_takes_no_more_until_the_next_tick_except_from_the_exempt() -> None:
    budget = RoomBudget(per_tick=2)
    assert [budget.admit(exempt=False) for _ in range(3)] == [True, True, False]
    assert budget.admit(exempt=True)
    budget.refill()
    assert budget.admit(exempt=False)
