"""Time as UTC milliseconds since the epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta

LAST_MS = 253_402_214_399_999
"""The last time that calendars know in every time zone: a day before the end of the year 9999."""
TimeMs = Annotated[int, Meta(ge=0, le=LAST_MS)]
"""A time as somebody outside may say it: UTC milliseconds."""

Clock = Callable[[], int]
"""Returns the current UTC time in milliseconds."""


def known_zone(name: str) -> str:
    """A time zone's IANA name.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone") from error


def now_ms() -> int:
    """The system's clock."""
    return time.time_ns() // 1_000_000
