"""How often one address may open a socket; a crowd behind one address fits, a flood does not."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from livecommerce.clock import Clock
from livecommerce.gateway.proxies import Network, client_address

BURST = 300.0
"""Sockets opened at once from one address: an office, a campus network, a carrier's gateway."""
PER_SECOND = 30.0
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


class OpeningLimits:
    """One bucket per client address; loopback is never limited."""

    def __init__(self, trusted: Sequence[Network], clock: Clock) -> None:
        self._trusted = trusted
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def admits(self, peer: str, forwarded_for: str) -> bool:
        """Spends one opening, if there is one."""
        address = client_address(peer, forwarded_for, self._trusted)
        if _is_loopback(address):
            return True
        whose = _line_of(address)
        bucket = self._buckets.get(whose)
        if bucket is None:
            self._forget_rested()
            bucket = self._buckets[whose] = Bucket(BURST, PER_SECOND)
        return bucket.take(self._clock())

    def _forget_rested(self) -> None:
        """Keeps memory bounded: the addresses that were quiet the longest go first."""
        if len(self._buckets) >= REMEMBERED:
            by_age = sorted(self._buckets, key=lambda address: self._buckets[address].updated_ms)
            for address in by_age[: REMEMBERED // 2]:
                del self._buckets[address]


def _line_of(address: str) -> str:
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
