from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from media.twcc import TICK_SECONDS, ArrivalLog


def decode(body: bytes) -> dict[int, int]:
    """Return arrival times in ticks by 16-bit number: a reader written from the draft alone."""
    base, count = struct.unpack_from("!HH", body)
    reference = int.from_bytes(body[4:7], "big") * 256
    chunks = (count + 6) // 7
    symbols: list[int] = []
    for at in range(8, 8 + 2 * chunks, 2):
        (chunk,) = struct.unpack_from("!H", body, at)
        assert chunk >> 14 == 3
        symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
    arrivals: dict[int, int] = {}
    at = 8 + 2 * chunks
    for index, symbol in enumerate(symbols[:count]):
        if symbol == 1:
            reference += body[at]
            at += 1
        elif symbol == 2:
            reference += struct.unpack_from("!h", body, at)[0]
            at += 2
        else:
            continue
        arrivals[(base + index) & 0xFFFF] = reference
    assert at == len(body)
    return arrivals


@given(
    st.integers(0, 0xFFFF),
    st.lists(st.tuples(st.integers(1, 5), st.integers(-20, 400)), min_size=1, max_size=200),
)
def test_feedback_tells_when_each_packet_came(first: int, steps: list[tuple[int, int]]) -> None:
    log, expected = ArrivalLog(), {}
    sequence, tick = first, 100_000
    for step, delta in steps:
        log.record(sequence & 0xFFFF, tick * TICK_SECONDS)
        expected[sequence & 0xFFFF] = tick
        sequence, tick = sequence + step, tick + delta

    decoded: dict[int, int] = {}
    for body in log.feedback():
        decoded |= decode(body)

    assert decoded == expected


def test_what_was_lost_between_two_feedbacks_is_reported_as_lost() -> None:
    log = ArrivalLog()
    log.record(10, 1.0)
    log.feedback()
    log.record(13, 1.1)

    (body,) = log.feedback()

    assert struct.unpack_from("!HH", body) == (11, 3)
    assert set(decode(body)) == {13}


def test_feedback_is_counted() -> None:
    log = ArrivalLog()
    counts = []
    for number in range(3):
        log.record(number, 1.0)
        counts.append(log.feedback()[0][7])

    assert counts == [0, 1, 2]


def test_silence_needs_no_feedback() -> None:
    assert ArrivalLog().feedback() == []
