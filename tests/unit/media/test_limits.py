from __future__ import annotations

import pytest
from starlette.requests import Request

from media.errors import TooManyRequests
from media.limits import BURST, GUEST_BURST, SESSIONS_PER_SECOND, SessionLimit
from media.session_limits import SessionLimits
from media.tokens import Pass


def test_a_burst_is_taken_and_then_refused() -> None:
    limit = SessionLimit(lambda: 1.0)
    for _ in range(int(BURST)):
        limit.take("p1")

    with pytest.raises(TooManyRequests):
        limit.take("p1")
    limit.take("p2")


def test_time_makes_good() -> None:
    now = [1.0]
    limit = SessionLimit(lambda: now[0])
    for _ in range(int(BURST)):
        limit.take("p1")
    now[0] += 1 / SESSIONS_PER_SECOND

    limit.take("p1")


def test_guests_cannot_open_sessions_without_end_by_being_somebody_new() -> None:
    limits = SessionLimits((), lambda: 5.0)
    request = Request({"type": "http", "client": ("192.0.2.1", 1), "headers": []})
    guests = (Pass(f"p{number}", "r1", "", "subscribe", is_guest=True) for number in range(1000))

    with pytest.raises(TooManyRequests):
        for number, guest in enumerate(guests):
            assert limits.take(guest, request) == "192.0.2.1"
            assert number < GUEST_BURST

    assert limits.take(Pass("member", "r1", "", "subscribe"), request) == ""
