"""Stock in Redis: sales and holds, each change one function call."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from livecommerce.adapters.redis_connection import AWAY, Connection, cannot_serve, served, tag, tag_of
from livecommerce.adapters.redis_durability import Durability
from livecommerce.adapters.redis_functions import ask, call, refusal
from livecommerce.basket import Offer
from livecommerce.checkout import Draft, Held
from livecommerce.errors import DomainError, NotFound, Unavailable
from livecommerce.flash_sale import Place, SaleAdjustment, SaleOpening, StockAudit, StockCount
from livecommerce.ids import SaleId, Shard, shard_of
from livecommerce.orders import OrderCard
from livecommerce.room.live import Stale

log = logging.getLogger(__name__)

decode_card = msgspec.json.Decoder(OrderCard).decode
_decode_offer = msgspec.json.Decoder(Offer).decode
_encode = msgspec.json.encode


class RedisInventory:
    """The inventory; also where wishes become holds."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis
        self._durability = Durability(redis)

    async def open_sale(self, opening: SaleOpening, place: Place) -> int:
        """Opens or announces a sale and appends its event; answers the event's offset.

        Raises:
            Stale: the room has moved on; nothing was written.
            Unavailable: ``not_durable``: the server could lose what it acknowledges, or it is away.
        """
        await self._durability.require_now(tag_of(opening.room))
        answer = await ask(
            self._redis,
            "sale_open_v2",
            opening.sale,
            opening.room,
            place.epoch,
            place.offset,
            opening.sku,
            opening.price_minor,
            opening.stock,
            opening.limit,
            opening.opens_ms,
            opening.wait_ms,
            opening.length_ms,
            opening.hold_seconds * 1000,
            opening.offer,
            opening.card,
        )
        offset: int = answer[0]
        return offset

    async def void(self, sale: SaleId) -> bool:
        """Makes sure that a sale which is not there never opens; false where it is there."""
        answer: bytes = await call(self._redis, shard_of(sale), "sale_void_v1", sale)
        return answer == b"voided"

    async def close_sale(self, sale: SaleId, version: int) -> StockCount:
        """Closes a sale; open holds keep their time, the rest goes back when the last has ended."""
        return _count(sale, await ask(self._redis, "sale_close_v1", sale, version))

    async def adjust_sale(self, adjustment: SaleAdjustment) -> StockCount:
        """Changes a sale that is not over and appends its event; open holds keep their price."""
        answer = await ask(
            self._redis,
            "sale_adjust_v2",
            adjustment.sale,
            adjustment.operation,
            adjustment.version,
            adjustment.price_minor,
            adjustment.limit,
            adjustment.extend_ms,
            adjustment.added,
        )
        return _count(adjustment.sale, answer)

    async def void_adjustment(self, sale: SaleId, operation: str) -> bool:
        """Makes sure that a change which was not made never is; false where it was made."""
        answer: bytes = await call(self._redis, shard_of(sale), "sale_adjust_void_v1", sale, operation)
        return answer == b"voided"

    async def stock(self, sales: Sequence[SaleId]) -> list[StockCount]:
        """What is left of each; unknown sales are left out. One shard, one call."""
        if not sales:
            return []
        answers = await call(self._redis, shard_of(sales[0]), "sale_stock_v1", *sales)
        return [_count(sale, answer) for sale, answer in zip(sales, answers, strict=True) if answer]

    async def audit(self, sale: SaleId) -> StockAudit:
        """Counts a sale twice."""
        answer = await call(self._redis, shard_of(sale), "sale_audit_v2", sale)
        if not answer:
            raise NotFound("sale_not_found")
        return StockAudit(**dict(zip(StockAudit.__struct_fields__, answer, strict=True)))

    async def offers(self, sales: Sequence[SaleId]) -> list[Offer | None]:
        """What each sale sells."""
        pipeline = self._redis.pipeline(transaction=False)
        for sale in sales:
            pipeline.hget(f"{tag_of(sale)}:sale:{sale}", "offer")
        with served():
            documents = await pipeline.execute()
        return [None if document is None else _decode_offer(document) for document in documents]

    async def hold_many(self, drafts: Sequence[Draft]) -> list[Held | DomainError]:
        """Takes units for each draft by itself, all in one round trip; answers in order.

        Where the server is away or fails at one of them, that one's answer says so: the hold may or may
        not have been made, and the same key finds out.
        """
        if not drafts:
            return []
        unsafe = await self._unsafe_shards({shard_of(draft.order.order) for draft in drafts})
        pipeline = self._redis.pipeline(transaction=False)
        sent = [draft for draft in drafts if shard_of(draft.order.order) not in unsafe]
        for draft in sent:
            pipeline.fcall("hold_v2", 1, tag(shard_of(draft.order.order)), *_hold_arguments(draft))
        try:
            answers = iter(await pipeline.execute(raise_on_error=False) if sent else ())
        except AWAY:
            return [Unavailable("redis_away") for _ in drafts]
        return [unsafe.get(shard_of(draft.order.order)) or _held(draft, next(answers)) for draft in drafts]

    async def _unsafe_shards(self, shards: Iterable[Shard]) -> dict[Shard, Unavailable]:
        refusals = {}
        for shard in shards:
            try:
                await self._durability.require(tag(shard))
            except Unavailable as refusal:
                refusals[shard] = refusal
        return refusals


def _hold_arguments(draft: Draft) -> tuple[str | int | bytes, ...]:
    wish, order = draft.wish, draft.order
    return (
        order.order,
        wish.buyer,
        wish.key,
        wish.fingerprint(),
        order.total_minor,
        " ".join(f"{line.sale}:{line.qty}:{line.price_minor}" for line in wish.lines),
        " ".join(f"{coupon.grant}:{coupon.discount_minor}" for coupon in order.coupons),
        _encode(draft.summary),
        _encode(order),
    )


def _held(draft: Draft, answer: Any) -> Held | DomainError:
    if isinstance(answer, Exception):
        if not cannot_serve(answer):
            log.error("hold of sale %s: %s", draft.order.sale, answer)
        return Unavailable("redis_away")
    outcome, *rest = answer
    if outcome == b"no":
        refused = refusal(rest)
        if isinstance(refused, Stale):
            raise refused
        return refused
    card, *numbers = rest
    stocks = (_count(line.sale, numbers[4 * at : 4 * at + 4]) for at, line in enumerate(draft.wish.lines))
    return Held(order=decode_card(card), stocks=tuple(stocks))


def _count(sale: str, numbers: Sequence[int]) -> StockCount:
    v, available, held, sold = numbers
    return StockCount(sale=sale, v=v, available=available, held=held, sold=sold)
