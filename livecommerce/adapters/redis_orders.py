"""Open orders in Redis, until SQL has them."""

from __future__ import annotations

from livecommerce.adapters.redis_connection import Connection, served, tag
from livecommerce.adapters.redis_functions import ask, call
from livecommerce.adapters.redis_inventory import decode_card
from livecommerce.ids import OrderId, PersonId, Shard, shard_names, shard_of
from livecommerce.orders import ClosingOrder, OpenOrder, OrderCard, Sweep


class RedisOrders:
    """The live system's orders."""

    def __init__(self, redis: Connection, shards: int) -> None:
        self._redis = redis
        self._shards = shard_names(shards)

    async def find(self, order: OrderId) -> OpenOrder | None:
        """The order, or ``None`` if it is not (or no longer) here."""
        if shard_of(order) not in self._shards:
            return None
        answer = await call(self._redis, shard_of(order), "order_read_v1", order)
        if not answer:
            return None
        card, buyer, _, payment = answer
        return OpenOrder(card=decode_card(card), buyer=buyer.decode(), payment=payment.decode())

    async def of_buyer(self, buyer: PersonId) -> list[OrderCard]:
        """A buyer's orders in all rooms, newest first."""
        pipeline = self._redis.pipeline(transaction=False)
        for shard in self._shards:
            pipeline.fcall("orders_read_v1", 1, tag(shard), buyer)
        with served():
            answers = await pipeline.execute()
        cards = [decode_card(card) for answer in answers for card in answer]
        return sorted(cards, key=lambda card: card.created_ms, reverse=True)

    async def cancel(self, order: OrderId, buyer: PersonId) -> OrderCard:
        """The buyer gives up an unpaid order."""
        return decode_card((await ask(self._redis, "order_cancel_v1", order, buyer))[0])

    async def release(self, order: OrderId, v: int) -> OrderCard:
        """Ends a closing order; does nothing if its version has moved on."""
        return decode_card((await ask(self._redis, "order_release_v1", order, v))[0])

    async def sweep(self, shard: Shard, count: int) -> Sweep:
        """Expires overdue holds, closes sales that are over and leases overdue payments."""
        handled, *rest = await call(self._redis, shard, "order_sweep_v1", count)
        closing = tuple(
            ClosingOrder(order=rest[at].decode(), v=rest[at + 1], payment=rest[at + 2].decode())
            for at in range(0, len(rest), 3)
        )
        return Sweep(handled=handled, closing=closing)

    async def projected(self, order: OrderId) -> None:
        """SQL has the order; the live system may forget it."""
        await call(self._redis, shard_of(order), "order_projected_v1", order)

    async def forget(self, shard: Shard, count: int) -> int:
        """Removes orders that SQL has had for a while; answers how many."""
        removed: int = await call(self._redis, shard, "order_forget_v1", count)
        return removed
