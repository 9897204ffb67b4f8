"""A show: when a host plans to be live, and when it really was."""

from __future__ import annotations

from msgspec import Struct

from livecommerce.clock import known_zone
from livecommerce.errors import Invalid
from livecommerce.ids import PersonId, RoomId, ShopId
from livecommerce.localized import LocalText

MINUTE_MS = 60_000
DEFAULT_MS = 120 * MINUTE_MS
SHORTEST_MS = 5 * MINUTE_MS
DAY_MS = 24 * 60 * MINUTE_MS
LONGEST_MS = DAY_MS
EARLIEST_MS = -DAY_MS
"""From now: a show that has begun elsewhere can still be entered."""
LATEST_MS = 2 * 366 * DAY_MS
"""From now: nobody plans further ahead, but a slip of the hand does."""


class Show(Struct, frozen=True, kw_only=True):
    """A planned, running or past show; it shares its id with its live room."""

    room: RoomId
    shop: ShopId
    host: PersonId
    title: LocalText
    cover: str
    phase: str
    """scheduled, live, ended."""
    starts_ms: int
    """As planned; a show that starts late keeps it and moves its segments and its end."""
    ends_ms: int
    time_zone: str
    """IANA zone of the place for which the times were planned."""
    created_ms: int
    started_ms: int | None = None
    ended_ms: int | None = None

    @property
    def opens_ms(self) -> int:
        """From when segments may stand in it: an early start makes room."""
        return self.starts_ms if self.started_ms is None else min(self.starts_ms, self.started_ms)


def check_plan(starts_ms: int, ends_ms: int, time_zone: str, now_ms: int) -> None:
    """Refuses times that no show can have.

    Raises:
        Invalid: ``bad_time`` or ``bad_time_zone``.
    """
    if not now_ms + EARLIEST_MS <= starts_ms <= now_ms + LATEST_MS:
        raise Invalid("bad_time", earliest_ms=now_ms + EARLIEST_MS, latest_ms=now_ms + LATEST_MS)
    if not SHORTEST_MS <= ends_ms - starts_ms <= LONGEST_MS:
        raise Invalid("bad_time", shortest_ms=SHORTEST_MS, longest_ms=LONGEST_MS)
    try:
        known_zone(time_zone)
    except ValueError as error:
        raise Invalid("bad_time_zone") from error


def lateness_ms(show: Show, started_ms: int) -> int:
    """By how much a late start moves what follows; an early start moves nothing."""
    return max(0, started_ms - show.starts_ms)
