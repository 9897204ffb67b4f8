"""People's open orders and coupons of a room, read together for all who join in one loop turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
from redis.exceptions import RedisError

from livecommerce.adapters.redis_connection import Connection, served, tag_of
from livecommerce.coupon import GrantCard
from livecommerce.errors import Unavailable
from livecommerce.orders import OrderCard

Records = tuple[list[OrderCard], list[GrantCard]]

log = logging.getLogger(__name__)

_decode_order = msgspec.json.Decoder(OrderCard).decode
_decode_grant = msgspec.json.Decoder(GrantCard).decode


class RedisRecords:
    """Answers each reader by itself, from one pipeline per loop turn."""

    def __init__(self, redis: Connection, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self._redis = redis
        self._spawn = spawn
        self._waiting: list[tuple[str, str, asyncio.Future[Records]]] = []

    async def read(self, room: str, person: str) -> Records:
        """The current versions.

        Raises:
            Unavailable: they cannot be read now.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Records] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._send)
        self._waiting.append((room, person, answer))
        return await answer

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._spawn(self._settle(waiting))

    async def _settle(self, waiting: Sequence[tuple[str, str, asyncio.Future[Records]]]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for room, person, _ in waiting:
            pipeline.hgetall(f"{tag_of(room)}:mine:{room}:{person}")
        try:
            with served():
                answers = await pipeline.execute(raise_on_error=False)
        except Unavailable as error:
            answers = [error] * len(waiting)
        for (_, _, future), answer in zip(waiting, answers, strict=True):
            if not future.done():
                _settle_one(future, answer)


def _settle_one(future: asyncio.Future[Records], answer: Any) -> None:
    """One reader's records that cannot be read are no other reader's trouble."""
    try:
        if isinstance(answer, Exception):
            raise answer
        future.set_result(_records(answer))
    except (RedisError, msgspec.DecodeError, Unavailable) as error:
        log.warning("open records cannot be read: %s", error)
        future.set_exception(Unavailable("redis_away"))


def _records(fields: dict[bytes, bytes]) -> Records:
    orders = [_decode_order(card) for name, card in fields.items() if not name.startswith(b"grant:")]
    grants = [_decode_grant(card) for name, card in fields.items() if name.startswith(b"grant:")]
    return orders, grants
