"""Opaque identifiers that carry their shard: two hexadecimal characters and a ULID.

28 characters of ``[0-9A-Za-z]``, so that an id fits into a payment provider's order number, and a
callback that brings nothing but this number finds its shard.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import NewType
from zlib import crc32

from livecommerce.clock import now_ms

Shard = NewType("Shard", str)
"""Two hexadecimal characters, ``00`` … ``ff``."""

PersonId = NewType("PersonId", str)
ShopId = NewType("ShopId", str)
ProductId = NewType("ProductId", str)
SkuId = NewType("SkuId", str)
RoomId = NewType("RoomId", str)
"""A show and its live room share one id."""
SaleId = NewType("SaleId", str)
OrderId = NewType("OrderId", str)
"""A hold and the order it becomes share one id."""
PaymentId = NewType("PaymentId", str)
"""One attempt to pay an order."""
SegmentId = NewType("SegmentId", str)
CampaignId = NewType("CampaignId", str)
GrantId = NewType("GrantId", str)

UNSHARDED = Shard("zz")
"""Marks ids of things that live in SQL only."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)


def new_id(shard: Shard = UNSHARDED, at_ms: int | None = None) -> str:
    """A fresh id: sortable by creation time within a shard, unguessable (80 random bits)."""
    number = ((now_ms() if at_ms is None else at_ms) << 80) | secrets.randbits(80)
    return shard + _text(number)


def shard_of(identifier: str) -> Shard:
    """The shard an id was created in."""
    return Shard(identifier[:2])


def shard_names(count: int) -> tuple[Shard, ...]:
    """All shards of a deployment with ``count`` shards (1 … 256)."""
    if not 1 <= count <= 256:
        raise ValueError("shards must be between 1 and 256")
    return tuple(Shard(f"{number:02x}") for number in range(count))


def pick_shard(seed: str, count: int) -> Shard:
    """The shard for a new room, spread evenly by any stable seed."""
    return shard_names(count)[crc32(seed.encode()) % count]


def is_id(value: str) -> bool:
    """Whether a string from outside has the form of an id."""
    return len(value) == 28 and value.isascii() and value.isalnum()


def named_id(shard: Shard, *names: str) -> str:
    """The id that these names always have; whoever knows the names knows the id."""
    number = int.from_bytes(sha256("\0".join(names).encode()).digest()) >> 128
    return shard + _text(number)


def _text(number: int) -> str:
    """130 bits as 26 characters, the highest first."""
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])
