from __future__ import annotations

import pytest

from media.errors import TooManyRequests
from media.limits import BURST, SESSIONS_PER_SECOND, SessionLimit


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
