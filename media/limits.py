"""How fast one person, or the guests behind one address, may open sessions."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from media.errors import TooManyRequests

SESSIONS_PER_SECOND, BURST = 2.0, 20.0
GUESTS_PER_SECOND, GUEST_BURST = 10.0, 100.0
"""A carrier or an office has many people behind one address."""
MAX_REMEMBERED = 50_000


class SessionLimit:
    """A token bucket per person or address; a full one is forgotten."""

    def __init__(
        self, clock: Callable[[], float], per_second: float = SESSIONS_PER_SECOND, burst: float = BURST
    ) -> None:
        self._clock = clock
        self._per_second = per_second
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, whose: str) -> None:
        """Count one session; raise `TooManyRequests`."""
        now = self._clock()
        if len(self._buckets) >= MAX_REMEMBERED:
            self._forget_full(now)
        level = self._level(whose, now)
        if level < 1:
            raise TooManyRequests("sessions are opened too fast; wait a little")
        self._buckets[whose] = (level - 1, now)

    def _level(self, whose: str, now: float) -> float:
        level, at = self._buckets.get(whose, (self._burst, now))
        return min(self._burst, level + (now - at) * self._per_second)

    def _forget_full(self, now: float) -> None:
        full = [whose for whose in self._buckets if self._level(whose, now) >= self._burst]
        for whose in full:
            del self._buckets[whose]


def line_of(address: str) -> str:
    """Return what one customer's line has: an IPv4 address, or the 64 bits in front of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        mapped = ip.ipv4_mapped
        return str(mapped or ipaddress.IPv6Network((ip, 64), strict=False))
    return str(ip)
