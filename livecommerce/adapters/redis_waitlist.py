"""The lines of sales in Redis, beside the stock that they wait for."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_functions import ask, call
from livecommerce.ids import PersonId, RoomId, SaleId, new_id, shard_of
from livecommerce.waitlist import Line, PlaceCard, QueueCount

decode_place = msgspec.json.Decoder(PlaceCard).decode


class RedisWaitlist:
    """Who waits for what."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def prepare(self, sale: SaleId, line: Line) -> None:
        """Gives a sale that is about to open its line; one that is open or voided stays as it is."""
        turn_ms, window_ms = line.turn_seconds * 1000, line.window_seconds * 1000
        await ask(self._redis, "line_prepare_v1", sale, line.kind, turn_ms, window_ms, line.commit)

    async def join(self, sale: SaleId, person: PersonId, units: int, room: RoomId) -> PlaceCard:
        """Puts a person in a room at the end of a line, or into a draw; who has a place keeps it as it is."""
        answer = await ask(self._redis, "line_join_v2", sale, person, units, new_id(), room)
        return decode_place(answer[0])

    async def leave(self, sale: SaleId, person: PersonId, room: RoomId) -> PlaceCard:
        """Gives up a place or a turn, whose units go on to the next; without one nothing changes."""
        return decode_place((await ask(self._redis, "line_leave_v2", sale, person, room))[0])

    async def counts(self, sales: Sequence[SaleId]) -> list[QueueCount]:
        """How long lines are; sales without one are left out. One shard, one call."""
        if not sales:
            return []
        answers = await call(self._redis, shard_of(sales[0]), "queues_v1", *sales)
        return [
            QueueCount(sale=sale, v=answer[0], waiting=answer[1], head=answer[2])
            for sale, answer in zip(sales, answers, strict=True)
            if answer
        ]
