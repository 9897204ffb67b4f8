from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.reorder import MAX_GAP, MAX_NACKS, Arrival, ReorderBuffer
from media.rtp import RtpPacket


def packet(sequence: int) -> RtpPacket:
    return RtpPacket(96, sequence & 0xFFFF, 0, 1, b"x")


def numbers(arrivals: list[Arrival]) -> list[int]:
    return [arrival.packet.sequence for arrival in arrivals]


def test_a_hole_holds_back_what_follows_until_it_is_filled() -> None:
    buffer = ReorderBuffer(0.5)

    assert numbers(buffer.insert(packet(1), 0.0)) == [1]
    assert numbers(buffer.insert(packet(3), 0.0)) == []
    assert numbers(buffer.insert(packet(2), 0.1)) == [2, 3]


def test_a_hole_is_asked_for_again_and_again_but_not_for_ever() -> None:
    buffer = ReorderBuffer(10.0)
    buffer.insert(packet(1), 0.0)
    buffer.insert(packet(4), 1.0)

    asked = [buffer.due_nacks(1.0 + step * 0.02) for step in range(100)]

    assert asked[0] == [2, 3]
    assert asked[1] == []
    assert sum(bool(due) for due in asked) == MAX_NACKS


def test_a_hole_is_given_up_when_patience_ends() -> None:
    buffer = ReorderBuffer(0.5)
    buffer.insert(packet(1), 0.0)
    buffer.insert(packet(4), 1.0)

    assert buffer.expire(1.4) == []
    (given_up,) = buffer.expire(1.5)

    assert (given_up.packet.sequence, given_up.skipped) == (4, 2)


def test_what_was_given_up_comes_too_late() -> None:
    buffer = ReorderBuffer(0.5)
    buffer.insert(packet(1), 0.0)
    buffer.insert(packet(3), 0.0)
    buffer.expire(1.0)

    assert buffer.insert(packet(2), 1.1) == []


def test_hole_after_hole_costs_no_more_memory_than_one() -> None:
    buffer = ReorderBuffer(10.0)
    for step in range(100):
        buffer.insert(packet(step * (MAX_GAP - 1)), 0.0)

    assert len(buffer._missing) + len(buffer._held) <= 2 * MAX_GAP


def test_a_jump_starts_over() -> None:
    buffer = ReorderBuffer(0.5)
    buffer.insert(packet(1), 0.0)

    (arrival,) = buffer.insert(packet(20_000), 0.1)

    assert arrival.skipped > 0
    assert numbers(buffer.insert(packet(20_001), 0.2)) == [20_001]


def test_a_publisher_that_counts_from_a_lower_number_is_followed() -> None:
    buffer = ReorderBuffer(0.5)
    buffer.insert(packet(30_000), 0.0)

    assert buffer.insert(packet(7), 0.1) == []
    (arrival,) = buffer.insert(packet(8), 0.1)

    assert arrival.skipped > 0
    assert numbers(buffer.insert(packet(9), 0.2)) == [9]


def test_one_stray_number_changes_nothing() -> None:
    buffer = ReorderBuffer(0.5)
    buffer.insert(packet(30_000), 0.0)
    buffer.insert(packet(7), 0.1)

    assert numbers(buffer.insert(packet(30_001), 0.2)) == [30_001]


def test_nacks_for_a_long_hole_fit_into_datagrams() -> None:
    buffer = ReorderBuffer(0.5)
    buffer.insert(packet(1), 0.0)
    buffer.insert(packet(900), 1.0)

    assert [len(buffer.due_nacks(1.0)) for _ in range(4)] == [256, 256, 256, 130]


@given(st.integers(0, 0xFFFF), st.integers(1, 60), st.data())
def test_any_reordering_and_repetition_comes_out_in_order(
    first: int, count: int, data: st.DataObject
) -> None:
    sent = list(range(first, first + count))
    shuffled = data.draw(st.permutations(sent[1:])) + data.draw(st.lists(st.sampled_from(sent)))
    buffer = ReorderBuffer(0.5)

    received = numbers(buffer.insert(packet(first), 0.0))
    for sequence in shuffled:
        received += numbers(buffer.insert(packet(sequence), 0.1))

    assert received == [sequence & 0xFFFF for sequence in sent]


@given(st.lists(st.booleans(), min_size=1, max_size=80))
def test_every_hole_is_counted_once(arrives: list[bool]) -> None:
    buffer = ReorderBuffer(0.5)
    released = buffer.insert(packet(0), 0.0)
    for sequence, comes in enumerate([*arrives, True], start=1):
        if comes:
            released += buffer.insert(packet(sequence), 0.1)
    released += buffer.expire(10.0)

    assert sum(arrival.skipped for arrival in released) == arrives.count(False)
    assert numbers(released) == sorted(numbers(released))
