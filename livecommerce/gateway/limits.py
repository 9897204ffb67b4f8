"""How often one address may join; a crowd behind one address fits, a flood does not."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from livecommerce.clock import Clock
from livecommerce.errors import TooMany
from livecommerce.gateway.proxies import Network, client_address

BURST = 300.0
"""Joins at once from one address: an office, a campus network, a carrier's gateway."""
PER_SECOND = 30.0
REMEMBERED = 50_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    updated_ms: int


class JoinLimits:
    """One bucket per client address; loopback is never limited."""

    def __init__(self, trusted: Sequence[Network], clock: Clock) -> None:
        self._trusted = trusted
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def admit(self, peer: str, forwarded_for: str) -> None:
        """Spends one join.

        Raises:
            TooMany: ``too_many_connections``.
        """
        address = client_address(peer, forwarded_for, self._trusted)
        if _is_loopback(address):
            return
        now_ms = self._clock()
        bucket = self._buckets.get(address)
        if bucket is None:
            self._forget_rested()
            bucket = self._buckets[address] = _Bucket(BURST, now_ms)
        bucket.tokens = min(BURST, bucket.tokens + (now_ms - bucket.updated_ms) * PER_SECOND / 1000) - 1
        bucket.updated_ms = now_ms
        if bucket.tokens < 0:
            bucket.tokens = 0
            raise TooMany("too_many_connections")

    def _forget_rested(self) -> None:
        """Keeps memory bounded: the addresses that were quiet the longest go first."""
        if len(self._buckets) >= REMEMBERED:
            by_age = sorted(self._buckets, key=lambda address: self._buckets[address].updated_ms)
            for address in by_age[: REMEMBERED // 2]:
                del self._buckets[address]


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
