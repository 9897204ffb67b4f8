"""Which comments a room hears."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecommerce.comments import (
    BURST,
    FLOOD_MS,
    MAX_LENGTH,
    MOST_REMEMBERED,
    REFILL_MS,
    ROOM_BURST,
    ROOM_PER_SECOND,
    Pace,
    Paces,
    RoomBudget,
    SlowMode,
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
    assert [pace.take(0) for _ in range(BURST)] == [0] * BURST
    assert pace.take(REFILL_MS // 2) == REFILL_MS // 2 + 1
    assert pace.take(REFILL_MS + 1) == 0


def shown(budget: RoomBudget, now_ms: int, comments: int) -> int:
    """How many of some comments at one moment all would see."""
    count = 0
    for _ in range(comments):
        if budget.allows(now_ms, exempt=False):
            budget.spend(exempt=False)
            count += 1
    return count


def test_a_flooded_room_takes_a_burst_then_so_many_a_second_and_the_exempt_always() -> None:
    budget = RoomBudget()
    assert shown(budget, 60_000, ROOM_BURST + 5) == ROOM_BURST
    assert budget.allows(60_000, exempt=True)
    budget.spend(exempt=True)
    assert shown(budget, 60_100, ROOM_PER_SECOND) == ROOM_PER_SECOND // 10


def test_a_room_counts_as_flooded_for_a_while_after_a_comment_that_was_too_much() -> None:
    budget = RoomBudget()
    shown(budget, 60_000, ROOM_BURST)
    assert not budget.flooded(60_000)
    shown(budget, 60_000, 1)
    assert budget.flooded(60_000 + FLOOD_MS - 1)
    assert not budget.flooded(60_000 + FLOOD_MS)


def test_a_person_has_one_pace_however_many_connections_they_have() -> None:
    paces = Paces()
    assert [paces.take("lin", 0) for _ in range(BURST)] == [0] * BURST
    assert paces.take("lin", 0) > 0
    assert paces.take("ann", 0) == 0


def test_who_has_been_quiet_is_forgotten_and_who_has_not_keeps_the_pace() -> None:
    paces, later_ms = Paces(), BURST * REFILL_MS + 1
    for number in range(MOST_REMEMBERED - 1):
        paces.take(f"p{number}", 0)
    for _ in range(BURST):
        paces.take("lin", later_ms)
    paces.take("ann", later_ms)
    assert len(paces) == 2
    assert paces.take("lin", later_ms) > 0


def test_a_slow_room_remembers_who_must_wait_and_forgets_the_others() -> None:
    slow = SlowMode()
    for number in range(MOST_REMEMBERED):
        slow.note(f"p{number}", 0, 10)
    slow.note("lin", 10_001, 10)
    assert len(slow) == 1
    with pytest.raises(TooMany) as refused:
        slow.check("lin", 10, 10_002)
    assert refused.value.params["wait_ms"] == 9_999
    slow.check("p1", 10, 10_002)
