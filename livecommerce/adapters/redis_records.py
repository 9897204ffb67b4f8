"""People's open orders, coupons and places of a room, read for many at once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_functions import call
from livecommerce.adapters.redis_waitlist import decode_place
from livecommerce.coupon import GrantCard
from livecommerce.ids import shard_of
from livecommerce.orders import OrderCard
from livecommerce.waitlist import PlaceCard

Records = tuple[Sequence[OrderCard], Sequence[GrantCard], Sequence[PlaceCard]]

log = logging.getLogger(__name__)

_decode_order = msgspec.json.Decoder(OrderCard).decode
_decode_grant = msgspec.json.Decoder(GrantCard).decode


class RedisRecords:
    """Reads a room's people in one call."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def read(self, room: str, persons: Sequence[str]) -> Mapping[str, Records]:
        """The current versions of those who have any."""
        answer = await call(self._redis, shard_of(room), "records_read_v1", room, *persons)
        return {who.decode(): _records(who, cards) for who, cards in _pairs(answer)}


def _records(person: bytes, cards: Sequence[bytes]) -> Records:
    orders, grants, places = [], [], []
    for name, card in _pairs(cards):
        try:
            if name.startswith(b"grant:"):
                grants.append(_decode_grant(card))
            elif name.startswith(b"place:"):
                places.append(decode_place(card))
            else:
                orders.append(_decode_order(card))
        except msgspec.DecodeError:  # the others are still good
            log.exception("a record of %s cannot be read", person.decode())
    return orders, grants, places


def _pairs(flat: Sequence[Any]) -> Sequence[tuple[Any, Any]]:
    return list(zip(flat[::2], flat[1::2], strict=True))
