from __future__ import annotations

from media import closures
from media.closures import EVERY_SEAT, Closures
from media.tokens import Pass


def token(issued_at: float, seat: str = "host", room: str = "r1") -> Pass:
    return Pass("p1", room, seat, "publish", issued_at)


def test_tokens_minted_until_the_closing_are_covered_and_later_ones_are_not() -> None:
    closed = Closures(lambda: 100.0)
    closed.close("r1", "host", 50.0)

    assert closed.cover(token(50.0))
    assert not closed.cover(token(50.1))
    assert not closed.cover(token(1.0, seat="guest-1"))
    assert not closed.cover(token(1.0, room="r2"))


def test_a_token_that_does_not_tell_its_age_is_covered() -> None:
    closed = Closures(lambda: 100.0)
    assert not closed.cover(token(0.0))
    closed.close("r1", EVERY_SEAT, 50.0)
    assert closed.cover(token(0.0))


def test_messages_out_of_order_leave_the_latest_closing() -> None:
    closed = Closures(lambda: 100.0)
    closed.close("r1", "host", 50.0)
    closed.close("r1", "host", 20.0)

    assert closed.cover(token(40.0))


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    closed = Closures(lambda: 100.0)
    for number in range(closures.REMEMBERED + 1):
        closed.close(f"r{number}", "host", 50.0)

    assert not closed.cover(token(1.0, room="r0"))
    assert closed.cover(token(1.0, room="r1"))
