"""How often something may be done: token buckets, for addresses, persons and rooms."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from livecommerce.clock import Clock
from livecommerce.gateway.proxies import Network, client_address

BURST = 300.0
"""Sockets opened at once from one address: an office, a campus network, a carrier's gateway."""
PER_SECOND = 30.0
COMMAND_BURST, COMMANDS_PER_SECOND = 60.0, 20.0
"""What one person may ask for that changes something or asks a store, over all connections together."""
REMEMBERED = 50_000


class Bucket:
    """So many at once, and so many a second after that."""

    __slots__ = ("_burst", "_per_second", "_tokens", "updated_ms")

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._tokens = burst
        self.updated_ms = 0

    def take(self, now_ms: int) -> bool:
        """Spends one, if there is one."""
        grown = (now_ms - self.updated_ms) * self._per_second / 1000
        self._tokens = min(self._burst, self._tokens + grown)
        self.updated_ms = now_ms
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Buckets:
    """A bucket for everyone who has done something lately."""

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._buckets: dict[str, Bucket] = {}

    def take(self, whose: str, now_ms: int) -> bool:
        """Spends one of somebody's, if there is one."""
        bucket = self._buckets.get(whose)
        if bucket is None:
            self._forget_rested()
            bucket = self._buckets[whose] = Bucket(self._burst, self._per_second)
        return bucket.take(now_ms)

    def _forget_rested(self) -> None:
        """Keeps memory bounded: those who were quiet the longest go first."""
        if len(self._buckets) >= REMEMBERED:
            by_age = sorted(self._buckets, key=lambda whose: self._buckets[whose].updated_ms)
            for whose in by_age[: REMEMBERED // 2]:
                del self._buckets[whose]


class OpeningLimits:
    """How often each client address may open a socket; loopback is never limited."""

    def __init__(self, trusted: Sequence[Network], clock: Clock) -> None:
        self._trusted = trusted
        self._clock = clock
        self._buckets = Buckets(BURST, PER_SECOND)

    def admits(self, peer: str, forwarded_for: str) -> bool:
        """Spends one opening, if there is one."""
        address = client_address(peer, forwarded_for, self._trusted)
        return _is_loopback(address) or self._buckets.take(line_of(address), self._clock())


def line_of(address: str) -> str:
    """What one customer's line has: an IPv4 address, or the 64 bits in front of an IPv6 one."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
