"""Draws in Redis: the entries of a line, and the order that the seed gave them."""

from __future__ import annotations

from collections.abc import Sequence

from livecommerce.adapters.redis_connection import Connection, served, tag_of
from livecommerce.adapters.redis_functions import ask, call
from livecommerce.errors import NotFound
from livecommerce.ids import PersonId, SaleId, Shard, shard_of
from livecommerce.lottery import Draw, DueDraw, Entry, winners_of

PAGE = 500
"""Entries read in one command."""


class RedisLottery:
    """Who entered which draw, and how it went."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def due(self, shard: Shard, count: int) -> list[DueDraw]:
        """Draws whose window is over; from now on nobody enters or leaves them."""
        answers = await call(self._redis, shard, "draws_due_v1", count)
        return [DueDraw(sale=SaleId(sale.decode()), commit=commit.decode()) for sale, commit in answers]

    async def entrants(self, sale: SaleId) -> dict[PersonId, Entry]:
        """Everybody who entered a draw that is due."""
        found: dict[PersonId, Entry] = {}
        with served():
            async for person, ask_ in self._redis.hscan_iter(f"{tag_of(sale)}:asks:{sale}", count=PAGE):
                units, entry = ask_.decode().split(" ")
                found[PersonId(person.decode())] = Entry(entry=entry, units=int(units))
        return found

    async def rank(self, sale: SaleId, first: int, entrants: Sequence[tuple[PersonId, Entry]]) -> None:
        """Keeps a stretch of the drawn order, from a rank on."""
        members = (part for person, entrant in entrants for part in (person, entrant.entry, entrant.units))
        await ask(self._redis, "draw_rank_v1", sale, first, *members)

    async def units(self, sale: SaleId) -> int:
        """What there is to be drawn for now."""
        (stock,) = await call(self._redis, shard_of(sale), "sale_stock_v1", sale)
        if not stock:
            raise NotFound("sale_not_found")
        available: int = stock[1]
        return available

    async def finish(self, draw: Draw) -> bool:
        """Publishes a draw whose order was kept and offers the units to its winners, once."""
        entrants, winners = len(draw.entrants), len(draw.winners)
        answer = await ask(
            self._redis, "draw_finish_v1", draw.sale, draw.seed, draw.digest, draw.units, entrants, winners
        )
        return bool(answer[0] == b"drawn")

    async def find(self, sale: SaleId) -> Draw | None:
        """A draw that was made."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hgetall(f"{tag_of(sale)}:draw_of:{sale}")
        pipeline.zrange(f"{tag_of(sale)}:draw:{sale}", 0, -1)
        with served():
            fields, members = await pipeline.execute()
        if not fields:
            return None
        told = {name.decode(): value.decode() for name, value in fields.items()}
        ordered = [_entry(member) for member in members]
        return Draw(
            sale=sale,
            commit=told["commit"],
            seed=told["seed"],
            units=int(told["units"]),
            digest=told["digest"],
            entrants=tuple(sorted(ordered, key=lambda entrant: entrant.entry)),
            order=tuple(entrant.entry for entrant in ordered),
            winners=tuple(winners_of(int(told["units"]), ordered)),
        )


def _entry(member: bytes) -> Entry:
    entry, units = member.decode().split(":")
    return Entry(entry=entry, units=int(units))
