"""The outbox: facts on their way from the live system to SQL and the ledger, one stream a shard.

A record is written by the same function call that changed the state it tells of. Readers apply it
idempotently by its id and acknowledge afterwards, so it arrives at least once and counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Raw, Struct

from livecommerce.ids import Shard


class OutboxRecord(Struct, frozen=True, kw_only=True):
    """One fact."""

    position: str
    """Where it is in the stream; needed to acknowledge it."""
    id: str
    """The same on every delivery: ``<subject>:<type>:<version or offset>``."""
    type: str
    """``order.confirmed``, ``order.expired``, ``order.released``, ``grant.…``, ``room.<event>`` …"""
    key: str
    """Records of one key (an order, a room) stay in order."""
    room: str
    at_ms: int
    data: Raw
    """JSON; for ``order.confirmed`` a ``ConfirmedOrder``, for ``room.*`` the room's event."""


class OutboxLag(Struct, frozen=True, kw_only=True):
    """How far the readers of a shard's outbox are behind."""

    length: int
    """Records that some reader has not applied yet."""
    oldest_ms: int | None
    """When the oldest of them was written."""


class Outbox(Protocol):
    """Reads a shard's outbox as one member of a group of workers."""

    async def read(self, shard: Shard, count: int, wait_ms: int) -> Sequence[OutboxRecord]:
        """The next records for this worker, reclaimed ones of dead workers first; empty after the wait."""
        ...

    async def acknowledge(self, shard: Shard, positions: Sequence[str]) -> None:
        """Marks records as applied; what every reader has applied may be trimmed."""
        ...

    async def lag(self, shard: Shard) -> OutboxLag:
        """What readers still have before them."""
        ...
