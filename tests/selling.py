"""A room with a sale, for tests that sell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.redis_coupons import RedisCoupons
from livecommerce.adapters.redis_inventory import RedisInventory
from livecommerce.adapters.redis_orders import RedisOrders
from livecommerce.adapters.redis_payments import RedisPayments
from livecommerce.adapters.redis_records import RedisRecords
from livecommerce.adapters.redis_waitlist import RedisWaitlist
from livecommerce.basket import Offer, WishLine
from livecommerce.checkout import Checkout, Held, Wish
from livecommerce.clock import now_ms
from livecommerce.coupon import CouponDrop, GrantCard, GrantSummary
from livecommerce.errors import DomainError
from livecommerce.fees import built_in
from livecommerce.flash_sale import Place, SaleOpening
from livecommerce.ids import (
    CampaignId,
    OrderId,
    PersonId,
    RoomId,
    SaleId,
    Shard,
    ShopId,
    new_id,
    shard_of,
)
from livecommerce.outbox import OutboxRecord
from livecommerce.payment import Standing
from livecommerce.shop import Policy
from livecommerce.waitlist import WAITLIST, Line, PlaceCard

SHARD = Shard("00")
SHARDS = 2
PRICE = 9_900
CURRENCY = "CNY"
PLATFORMS = CampaignId("platforms")
"""A campaign that the platform pays for."""


def a_wish(
    sale: str, buyer: str, *, key: str = "", price_minor: int = PRICE, qty: int = 1, grant: str = ""
) -> Wish:
    """A tap on *buy*, with a fresh key unless one is given."""
    line = WishLine(sale=sale, price_minor=price_minor, qty=qty)
    return Wish(buyer=buyer, key=key or new_id(), lines=(line,), grants=(grant,) if grant else ())


class FakePolicies:
    """Shops' policies in memory; one that nobody set sends nothing and costs nothing."""

    def __init__(self) -> None:
        self.set: dict[str, Policy] = {}

    async def policies_of(self, shops: Sequence[str]) -> dict[str, Policy]:
        """By shop id."""
        return {shop: self.set.get(shop, Policy(address_needed=False)) for shop in shops}

    async def set_policy(self, shop: ShopId, policy: Policy) -> None:
        """Puts a policy in force."""
        self.set[shop] = policy


def offer(room: str, sale: str, *, shop: str = "shop", category: str = "home") -> Offer:
    """An umbrella, sold in the host's shop."""
    return Offer(
        sale=sale,
        room=room,
        shop=shop,
        host_shop="shop",
        creator="host",
        product="umbrella",
        sku="umbrella-red",
        category=category,
        title={"zh-CN": "雨伞", "en": "Umbrella"},
        image="/static/umbrella.jpg",
        currency=CURRENCY,
    )


class Shop:
    """One room on one shard of a real server, and everything that sells there."""

    def __init__(self, redis: Connection, room: RoomId | None = None) -> None:
        self.redis = redis
        self.inventory = RedisInventory(redis)
        self.orders = RedisOrders(redis, shards=1)
        self.payments = RedisPayments(redis)
        self.coupons = RedisCoupons(redis, shards=SHARDS)
        self.waitlist = RedisWaitlist(redis)
        self.policies = FakePolicies()
        self.checkout = Checkout(self.inventory, self.coupons, self.policies, now_ms, built_in)
        self.room = room or RoomId(new_id(SHARD))
        self.shard = shard_of(self.room)
        self.campaign = CampaignId("campaign")

    async def open_room(self) -> None:
        """Creates the room's log."""
        await self.redis.fcall("room_create_v1", 1, tag(self.shard), self.room, "epoch", "{}")

    async def offset(self) -> int:
        """Where the room's log ends."""
        stored = await self.redis.hget(f"{tag(self.shard)}:room:{self.room}", "offset")
        return int(stored or 0)

    async def events(self) -> list[str]:
        """The kinds of the room's events so far."""
        entries: Any = await self.redis.xrange(f"{tag(self.shard)}:log:{self.room}")
        return [msgspec.json.decode(fields[b"event"])["t"] for _, fields in entries]

    def opening(
        self,
        stock: int,
        *,
        limit: int = 1,
        hold_seconds: int = 180,
        seconds: int = 300,
        price: int = PRICE,
        wait_ms: int = 0,
    ) -> SaleOpening:
        """A sale of umbrellas, open now unless it is to wait."""
        sale = SaleId(new_id(self.shard))
        return SaleOpening(
            sale=sale,
            room=self.room,
            sku="umbrella-red",
            price_minor=price,
            stock=stock,
            limit=limit,
            wait_ms=wait_ms,
            length_ms=seconds * 1_000,
            hold_seconds=hold_seconds,
            offer=msgspec.json.encode(offer(self.room, sale)),
            card=msgspec.json.encode({"sale": sale}),
        )

    async def open_sale(self, stock: int, **changes: int) -> SaleId:
        """Opens a sale, or announces one."""
        opening = self.opening(stock, **changes)
        await self.inventory.open_sale(opening, await self.here())
        return opening.sale

    async def open_with_waitlist(self, stock: int, *, turn_seconds: int = 60, **changes: int) -> SaleId:
        """Opens a sale that people can wait for, now."""
        opening = self.opening(stock, **changes)
        await self.waitlist.prepare(opening.sale, Line(kind=WAITLIST, turn_seconds=turn_seconds))
        await self.inventory.open_sale(opening, await self.here())
        return opening.sale

    async def wait(self, sale: str, person: str, units: int = 1) -> PlaceCard:
        """Joins the line."""
        return await self.waitlist.join(SaleId(sale), PersonId(person), units, self.room)

    async def leave(self, sale: str, person: str) -> PlaceCard:
        """Gives up a place in the line."""
        return await self.waitlist.leave(SaleId(sale), PersonId(person), self.room)

    async def places(self, person: str) -> list[PlaceCard]:
        """What a person is shown of their places when they join."""
        records = await RedisRecords(self.redis).read(self.room, [person])
        return list(records[person][2]) if person in records else []

    async def turn_is_over(self, sale: str, person: str) -> None:
        """Moves the end of somebody's turn into the past, as waiting would."""
        past, key = now_ms() - 60_000, f"{tag(self.shard)}:turns:{sale}"
        turn: Any = await self.redis.hget(key, person)
        units, _, ticket = turn.decode().split()
        await self.redis.hset(key, person, f"{units} {past} {ticket}")
        await self.redis.zadd(f"{tag(self.shard)}:turn_ends", {f"{sale}:{person}": past})

    async def here(self) -> Place:
        """The log's end."""
        return Place(epoch="epoch", offset=await self.offset())

    async def card_of(self, kind: str) -> Any:
        """The card in the newest event of a kind."""
        entries: Any = await self.redis.xrevrange(f"{tag(self.shard)}:log:{self.room}")
        events = (msgspec.json.decode(fields[b"event"]) for _, fields in entries)
        return next(event["sale"] for event in events if event["t"] == kind)

    async def start_time_comes(self, sale: str) -> None:
        """Moves a scheduled sale's start to now, as waiting would."""
        await self._move(sale, "opens_ms", "sale_starts")

    async def end_comes(self, sale: str) -> None:
        """Moves a sale's end to now, as waiting would."""
        await self._move(sale, "closes_ms", "sale_ends")

    async def _move(self, sale: str, field: str, deadlines: str) -> None:
        at_ms = now_ms() - 1
        await self.redis.hset(f"{tag(self.shard)}:sale:{sale}", field, str(at_ms))
        await self.redis.zadd(f"{tag(self.shard)}:{deadlines}", {sale: at_ms}, xx=True)

    async def try_buy(self, sale: str, buyer: str, **changes: str | int) -> Held | DomainError:
        """Taps on *buy*, with a fresh key unless one is given."""
        return (await self.checkout.buy([a_wish(sale, buyer, **changes)], now_ms()))[0]  # type: ignore[arg-type]

    async def try_buy_bag(
        self, lines: Sequence[tuple[str, int]], buyer: str, *, grants: Sequence[str] = (), key: str = ""
    ) -> Held | DomainError:
        """Wishes for several (sale, units) at once, with a fresh key unless one is given."""
        wish = Wish(
            buyer=buyer,
            key=key or new_id(),
            lines=tuple(WishLine(sale=sale, price_minor=PRICE, qty=qty) for sale, qty in lines),
            grants=tuple(grants),
        )
        return (await self.checkout.buy([wish], now_ms()))[0]

    async def buy(self, sale: str, buyer: str, **changes: str | int) -> Held:
        """Taps on *buy* and must get it."""
        answer = await self.try_buy(sale, buyer, **changes)
        assert isinstance(answer, Held), answer
        return answer

    async def refused(self, sale: str, buyer: str, **changes: str | int) -> str:
        """Taps on *buy* and must be refused; answers the code."""
        answer = await self.try_buy(sale, buyer, **changes)
        assert isinstance(answer, DomainError), answer
        return answer.code

    async def begin_payment(self, held: Held, buyer: str) -> str:
        """Begins to pay."""
        begun = await self.payments.begin(OrderId(held.order.order), PersonId(buyer), "sandbox", CURRENCY)
        return begun.payment

    async def capture(self, payment: str, amount_minor: int = PRICE) -> str:
        """The provider took the money; answers what it became."""
        standing = Standing(
            payment=payment,
            state="captured",
            merchant="merchant",
            amount_minor=amount_minor,
            currency=CURRENCY,
            transaction=f"t-{payment}",
            captured_ms=now_ms(),
        )
        return await self.payments.captured(standing, "sandbox")

    async def sell(self, sale: str, buyer: str, **changes: str | int) -> Held:
        """Holds and pays."""
        held = await self.buy(sale, buyer, **changes)
        outcome = await self.capture(await self.begin_payment(held, buyer), held.order.total_minor)
        assert outcome == "applied"
        return held

    async def state_of(self, order: str) -> str:
        """The order's state, or ``gone``."""
        found = await self.orders.find(OrderId(order))
        return found.card.state if found else "gone"

    async def told(self, prefix: str = "") -> list[OutboxRecord]:
        """What the outbox has been told, of types with a prefix."""
        records = []
        entries: Any = await self.redis.xrange(f"{tag(self.shard)}:outbox")
        for position, fields in entries:
            texts = {name.decode(): value.decode() for name, value in fields.items()}
            data = msgspec.Raw(texts.pop("data").encode())
            at_ms = int(texts.pop("at_ms"))
            records.append(OutboxRecord(position=position.decode(), at_ms=at_ms, data=data, **texts))
        return [record for record in records if record.type.startswith(prefix)]

    async def overdue(self, order: str) -> None:
        """Moves an order's deadline into the past, as waiting would."""
        past = now_ms() - 60_000
        key = f"{tag(self.shard)}:order:{order}"
        if await self.redis.hget(key, "state") != b"closing":
            await self.redis.hset(key, "expires_ms", str(past))
        await self.redis.zadd(f"{tag(self.shard)}:expiry", {order: past})

    async def expire(self, held: Held) -> None:
        """Lets an unpaid order run out, its provider having said that nothing was captured."""
        await self.overdue(held.order.order)
        for closing in (await self.orders.sweep(self.shard, 100)).closing:
            await self.payments.closed(closing.payment)
            await self.orders.release(OrderId(closing.order), closing.v)
        assert await self.state_of(held.order.order) == "expired"

    async def assert_lawful(self, *sales: str) -> None:
        """Every law of stock holds."""
        for sale in sales:
            assert (await self.inventory.audit(SaleId(sale))).violations() == []

    async def fund(self, amount_minor: int, *, ends_in_ms: int = 3_600_000) -> None:
        """Gives the campaign money."""
        await self.fund_campaign(self.campaign, amount_minor, ends_in_ms)

    async def fund_campaign(
        self, campaign: CampaignId, amount_minor: int, ends_in_ms: int = 3_600_000
    ) -> None:
        """Gives some campaign money."""
        await self.coupons.allot(self.room, campaign, new_id(), amount_minor, now_ms() + ends_in_ms)

    def summary(
        self, discount_minor: int = 1_000, threshold_minor: int = 5_000, *, shop: str = "shop"
    ) -> GrantSummary:
        """What the campaign's coupons are."""
        return GrantSummary(
            campaign=self.campaign,
            title={"en": "Ten off"},
            discount_minor=discount_minor,
            threshold_minor=threshold_minor,
            currency=CURRENCY,
            ends_ms=now_ms() + 3_600_000,
            shop=shop,
        )

    def platforms_summary(self, percent_ppm: int, cap_minor: int) -> GrantSummary:
        """A percentage that the platform pays for, of any merchant's goods."""
        plain = self.summary(cap_minor, 0, shop="")
        return msgspec.structs.replace(plain, campaign=PLATFORMS, percent_ppm=percent_ppm)

    async def drop(
        self,
        count: int,
        *,
        per_person: int = 1,
        shop: str = "shop",
        drop: str | None = None,
        summary: GrantSummary | None = None,
    ) -> str:
        """Offers coupons to the room, under a fresh id unless one is given."""
        drop, summary = drop or new_id(self.shard), summary or self.summary(shop=shop)
        here = await self.here()
        await self.coupons.drop(
            CouponDrop(
                drop=drop,
                room=self.room,
                summary=summary,
                funder="merchant" if summary.shop else "platform",
                count=count,
                per_person=per_person,
                ends_ms=now_ms() + 60_000,
            ),
            here.epoch,
            here.offset,
            msgspec.json.encode({"t": "coupon.dropped"}),
        )
        return drop

    async def claim(self, drop: str, person: str) -> GrantCard:
        """Takes a coupon."""
        return await self.coupons.claim(drop, PersonId(person), self.room)
