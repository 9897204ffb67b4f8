"""Seats that the gateway has closed: what was published there ends, and older tokens stay outside."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from media.tokens import Pass

REMEMBERED = 10_000
KEPT_SECONDS = 24 * 3600.0

EVERY_SEAT = ""


class Closures:
    """When each seat was closed last, in UTC seconds; a room's `EVERY_SEAT` stands for all of them.

    Closing twice, or out of order, is the same as closing once at the latest time.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._closed_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    def close(self, room: str, seat: str, at: float) -> None:
        """Refuse tokens for this seat that were minted until then."""
        known = self._closed_at.pop((room, seat), at)
        self._closed_at[room, seat] = max(at, known)
        self._forget_old()

    def cover(self, token: Pass) -> bool:
        """Tell whether a publisher's token is from before its seat was closed."""
        closed = (self._closed_at.get((token.room, seat), -1.0) for seat in (token.seat, EVERY_SEAT))
        return token.issued_at <= max(closed)

    def _forget_old(self) -> None:
        while self._closed_at:
            oldest = next(iter(self._closed_at))
            is_young = self._clock() - self._closed_at[oldest] < KEPT_SECONDS
            if is_young and len(self._closed_at) <= REMEMBERED:
                return
            del self._closed_at[oldest]
