from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.sequence import Unwrapper


@given(st.integers(0, 0xFFFF), st.lists(st.integers(-1000, 1000), max_size=200))
def test_extended_numbers_keep_every_distance(first: int, steps: list[int]) -> None:
    unwrap = Unwrapper(16)
    position = start = unwrap.extend(first)
    newest = start
    for step in steps:
        position = newest + step
        assert unwrap.extend(position & 0xFFFF) == position
        newest = max(newest, position)


def test_a_packet_from_before_the_first_stays_positive() -> None:
    unwrap = Unwrapper(16)
    unwrap.extend(0)

    assert unwrap.extend(65535) == 65535
