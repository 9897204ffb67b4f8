"""Time as UTC milliseconds since the epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

from msgspec import Meta

TimeMs = Annotated[int, Meta(ge=0, le=253_402_214_399_999)]
"""A time as somebody outside may say it: UTC milliseconds, in a year before 10000 in every time zone."""

Clock = Callable[[], int]
"""Returns the current UTC time in milliseconds."""


def now_ms() -> int:
    """The system's clock."""
    return time.time_ns() // 1_000_000
