"""Coupons in Redis: budgets, drops and grants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from livecommerce.adapters.redis_connection import Connection, served, tag, tag_of
from livecommerce.adapters.redis_functions import Argument, ask, call, refusal
from livecommerce.coupon import Budget, BudgetAudit, Coupon, CouponDrop, GrantCard, GrantSummary, LockedGrant
from livecommerce.errors import Conflict
from livecommerce.ids import CampaignId, GrantId, PersonId, RoomId, Shard, new_id, pick_shard, shard_of

_decode_card = msgspec.json.Decoder(GrantCard).decode
_encode = msgspec.json.encode


ONE_ATTEMPT = "1"
"""Stands for every attempt at a share's coupon, whose place is never given back."""


class RedisCoupons:
    """Wallets and the budgets behind them.

    How many of a campaign's grants a person has is counted on one shard, the campaign's home; a place there
    is taken before the grant, and given back when the last attempt that keeps it got none.
    """

    def __init__(self, redis: Connection, shards: int) -> None:
        self._redis = redis
        self._shards = shards

    async def allot(
        self, room: RoomId, campaign: CampaignId, transfer: str, amount_minor: int, ends_ms: int
    ) -> Budget:
        """Adds money to the budget that serves a room, once per transfer."""
        fields = (campaign, transfer, amount_minor, ends_ms)
        answer = await call(self._redis, shard_of(room), "budget_allot_v1", *fields)
        if answer[0] == b"no":
            raise refusal(answer[1:])
        return Budget(**dict(zip(Budget.__struct_fields__, answer[1:], strict=True)))

    async def drop(self, drop: CouponDrop, epoch: str, expected_offset: int, event: bytes) -> int:
        """Offers coupons and appends ``coupon.dropped``; answers the event's offset.

        Raises:
            Stale: the room has moved on; nothing was written.
            Conflict: ``budget_spent``.
        """
        summary = drop.summary
        answer = await ask(
            self._redis,
            "coupon_drop_v1",
            drop.drop,
            drop.room,
            epoch,
            expected_offset,
            event,
            summary.campaign,
            drop.count,
            drop.per_person,
            summary.discount_minor,
            summary.threshold_minor,
            drop.ends_ms,
            summary.ends_ms,
            drop.funder,
            _encode(summary),
        )
        offset: int = answer[0]
        return offset

    async def claim(self, drop: str, person: PersonId, room: RoomId) -> GrantCard:
        """Takes a coupon of a room's drop; a second claim answers the first one's grant."""
        campaign, per_person, *claimed = await ask(self._redis, "coupon_look_v2", drop, person, room)
        if claimed:
            return _decode_card(claimed[0])
        grant, place = new_id(shard_of(drop)), (campaign.decode(), person, drop)
        await self._at_home("coupon_place_v2", *place, per_person, grant)
        try:
            answer = await ask(self._redis, "coupon_claim_v1", drop, person, grant)
        except Conflict:
            await self._at_home("coupon_unplace_v2", *place, grant)
            raise
        return _decode_card(answer[0])

    async def create_locked(self, locked: LockedGrant) -> GrantCard:
        """A share's coupon; one per owner, campaign and room, a repeat answers it."""
        summary = locked.summary
        place = (summary.campaign, locked.owner, locked.room, locked.per_person, ONE_ATTEMPT)
        await self._at_home("coupon_place_v2", *place)
        answer = await ask(
            self._redis,
            "grant_create_v1",
            locked.grant,
            locked.room,
            summary.campaign,
            locked.owner,
            summary.arrivals_needed,
            summary.discount_minor,
            summary.threshold_minor,
            summary.ends_ms,
            locked.funder,
            _encode(summary),
        )
        return _decode_card(answer[0])

    async def count_arrival(
        self, grant: GrantId, person: PersonId, lent_minor: int = 0
    ) -> tuple[GrantCard, str]:
        """Counts a verified arrival once per person; unlocks the grant when enough have come."""
        card, what = await ask(self._redis, "grant_arrival_v1", grant, person, lent_minor)
        return _decode_card(card), what.decode()

    async def coupons(self, grants: Sequence[GrantId]) -> list[Coupon | None]:
        """What checkout needs of each grant, in one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        for grant in grants:
            pipeline.hmget(f"{tag_of(grant)}:grant:{grant}", "funder", "card")
        with served():
            answers = await pipeline.execute()
        return [_coupon(grant, answer) for grant, answer in zip(grants, answers, strict=True)]

    async def of_owner(self, owner: PersonId, shards: Sequence[Shard]) -> list[tuple[RoomId, GrantCard]]:
        """A person's coupons in all rooms, with their rooms; one call a shard, all in one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        for shard in shards:
            pipeline.fcall("grants_read_v1", 1, tag(shard), owner)
        with served():
            answers = await pipeline.execute()
        return [
            (RoomId(room.decode()), _decode_card(card))
            for answer in answers
            for room, card in zip(answer[::2], answer[1::2], strict=True)
        ]

    async def sweep(self, shard: Shard, count: int) -> int:
        """Expires grants whose time is over and returns what campaigns have left; answers how many grants."""
        expired: int = await call(self._redis, shard, "grant_sweep_v1", count)
        return expired

    async def audit(self, room: RoomId, campaign: CampaignId) -> BudgetAudit:
        """Counts a budget twice."""
        answer = await call(self._redis, shard_of(room), "budget_audit_v1", campaign)
        return BudgetAudit(**dict(zip(BudgetAudit.__struct_fields__, answer, strict=True)))

    async def _at_home(self, function: str, campaign: str, *args: Argument) -> None:
        home = pick_shard(campaign, self._shards)
        answer = await call(self._redis, home, function, campaign, *args)
        if answer[0] == b"no":
            raise refusal(answer[1:])


def _coupon(grant: GrantId, answer: Sequence[Any]) -> Coupon | None:
    funder, card = answer
    if card is None:
        return None
    summary = msgspec.json.decode(card, type=GrantSummary)
    return Coupon(
        grant=grant,
        campaign=summary.campaign,
        funder=funder.decode(),
        shop=summary.shop,
        discount_minor=summary.discount_minor,
        threshold_minor=summary.threshold_minor,
        currency=summary.currency,
        percent_ppm=summary.percent_ppm,
        exclusive=summary.exclusive,
    )
