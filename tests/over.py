"""A show with everything that leaves keys behind, for tests that put rooms away."""

from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.redis_comments import RedisComments
from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.redis_lottery import RedisLottery
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.redis_room_archive import RedisRemains
from livecommerce.adapters.redis_rooms import RedisRooms, encode_unplaced
from livecommerce.adapters.redis_sanctions import RedisSanctions
from livecommerce.adapters.redis_share import RedisShares
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_room_archive import SqlRoomArchive
from livecommerce.adapters.sql_schema import persons, shops, shows
from livecommerce.adapters.sql_transactions import insert_new
from livecommerce.clock import now_ms
from livecommerce.coupon import CouponDrop, LockedGrant
from livecommerce.flash_sale import Place, SaleOpening
from livecommerce.ids import GrantId, OrderId, PersonId, RoomId, SaleId, new_id
from livecommerce.room import events as ev
from livecommerce.room.cards import DropCard, RoomState
from livecommerce.room.presence import Attendance
from livecommerce.room.room import fold
from livecommerce.room.sanctions import BAN, Sanction
from livecommerce.share import Seal, Sharing
from livecommerce.waitlist import LOTTERY, Line
from livecommerce.worker.archive import Archivist
from livecommerce.worker.projector import Projector
from tests.rooms import HOST, a_comment, a_room, a_sale
from tests.selling import SHARD
from tests.till import Till

HOUR_MS = 3_600_000


def archivist(redis: Connection, engine: AsyncEngine, *, step: int = 2) -> Archivist:
    """One that puts away what has been over for an hour, a little at a time."""
    return Archivist(
        SqlRoomArchive(engine),
        RedisRemains(redis),
        RedisRooms(redis),
        RedisShares(redis),
        now_ms,
        after_ms=HOUR_MS,
        step=step,
    )


class Evening(Till):
    """One show on a real server, from its beginning to its end."""

    def __init__(self, redis: Connection, engine: AsyncEngine, path: Path) -> None:
        super().__init__(redis, path, RoomId(new_id(SHARD)))
        self.engine = engine
        self.rooms = RedisRooms(redis)
        seal = Seal(b"a key")
        self.sharing = Sharing(RedisShares(redis), self.coupons, seal, stay_ms=0)

    @property
    def state(self) -> RoomState:
        """The room when it was created."""
        return msgspec.structs.replace(a_room(), room=self.room)

    async def open_room(self) -> None:
        """Plans the show and creates its room."""
        async with self.engine.begin() as connection:
            host = {"person": HOST, "name": "Mei", "created_ms": 0}
            await insert_new(connection, persons, host)
            await insert_new(connection, shops, {"shop": a_room().shop, "name": {}, "created_ms": 0})
            row = {"room": self.room, "shop": a_room().shop, "host": HOST, "title": {}, "cover": ""}
            times = {"starts_ms": 0, "ends_ms": 1, "started_ms": 0, "created_ms": 0, "time_zone": "UTC"}
            ended = {"phase": "ended", "ended_ms": now_ms() - 2 * HOUR_MS}
            await connection.execute(insert(shows).values(**row, **times, **ended))
        await self.rooms.create(self.state)

    def opening(self, stock: int, **changes: int) -> SaleOpening:
        """A sale with a card that a room can show."""
        opening = super().opening(stock, **changes)
        card = msgspec.to_builtins(msgspec.structs.replace(a_sale(), sale=opening.sale))
        for changing in ("version", "phase", "price_minor", "stock", "limit", "opens_ms", "closes_ms"):
            del card[changing]
        return msgspec.structs.replace(opening, card=msgspec.json.encode(card))

    async def here(self) -> Place:
        """The log's end."""
        loaded = await self.rooms.load(self.room)
        return Place(epoch=loaded.epoch, offset=loaded.offset)

    async def open_raffle(self, stock: int) -> SaleId:
        """Opens a sale whose units are to be drawn for."""
        opening = self.opening(stock)
        line = Line(kind=LOTTERY, turn_seconds=60, window_seconds=60, commit="hash")
        await self.waitlist.prepare(opening.sale, line)
        await self.inventory.open_sale(opening, await self.here())
        return opening.sale

    async def half_draw(self, sale: SaleId, person: str) -> None:
        """The window is over, and the worker that draws is killed after the first rank."""
        await self.redis.hset(f"{tag(SHARD)}:sale:{sale}", "window_ms", "0")
        await self.redis.zadd(f"{tag(SHARD)}:draws", {sale: 0})
        lottery = RedisLottery(self.redis)
        await lottery.due(SHARD, 10)
        entrants = await lottery.entrants(sale)
        await lottery.rank(sale, 1, [(PersonId(person), entrants[PersonId(person)])])

    async def drop_coupons(self, count: int) -> str:
        """Offers coupons to the room."""
        drop, summary, here = new_id(SHARD), self.summary(), await self.here()
        ends_ms = now_ms() + 60_000
        offered = CouponDrop(
            drop=drop,
            room=self.room,
            summary=summary,
            funder="merchant",
            count=count,
            per_person=9,
            ends_ms=ends_ms,
        )
        card = DropCard(
            drop=drop,
            campaign=summary.campaign,
            title={},
            discount_minor=1,
            threshold_minor=0,
            currency="CNY",
            count=count,
            ends_ms=ends_ms,
        )
        event = encode_unplaced(ev.CouponDropped(at_ms=1, drop=card))
        await self.coupons.drop(offered, here.epoch, here.offset, event)
        return drop

    async def happen(self) -> SaleId:
        """Sales, holds that ran out, coupons, shares, comments, a ban, hearts; answers the sale."""
        sale = await self.open_sale(5)
        await self.sell(sale, "ann")
        await self._let_a_hold_run_out(sale)
        await self.fund(100_000)
        drop = await self.drop_coupons(5)
        for person in ("ann", "bob", "cid"):
            await self.claim(drop, person)
        await self._share()
        await RedisComments(self.redis, 50).remember(self.room, [a_comment()])
        sanction = Sanction(kind=BAN, person="troll", name="T", until_ms=2**50)
        await RedisSanctions(self.redis).impose(self.room, sanction)
        await self.rooms.beat("node", {self.room: Attendance(3, 7)})
        return sale

    async def _let_a_hold_run_out(self, sale: SaleId) -> None:
        held = await self.buy(sale, "bob")
        await self.overdue(held.order.order)
        await self.orders.sweep(SHARD, 10)

    async def _share(self) -> None:
        grant, _ = await self.sharing.link(self.room, PersonId("ann"), "phone", 1)
        locked = LockedGrant(
            grant=GrantId(new_id(SHARD)),
            room=self.room,
            owner=PersonId("ann"),
            summary=self.summary(),
            funder="merchant",
            per_person=9,
        )
        await self.coupons.create_locked(locked)
        await self.sharing.keep_reward(self.room, PersonId("ann"), locked.grant)
        await self.sharing.arrived(self.room, "dan", "other phone", grant, 2)
        await self.sharing.stayed(self.room, "dan", "other phone", grant, 3)

    async def end(self, sale: SaleId) -> None:
        """Closes the sale and the show."""
        await self.inventory.close_sale(sale, 1)
        loaded = await self.rooms.load(self.room)
        over = [ev.ShowEnded(at_ms=5)]
        await self.rooms.append(
            self.room, new_id(), loaded.epoch, loaded.offset, over, fold(loaded.state, over)
        )

    async def project(self) -> None:
        """SQL has everything; the live system forgets the orders it has, and those that came to nothing."""
        outbox = RedisOutbox(self.redis, "projector", "worker")
        projector = Projector(outbox, SqlProjection(self.engine), self.orders, [SHARD])
        while await projector.step():
            pass
        await self._all_due("projected")
        await self._all_due("ended")
        await self.orders.forget(SHARD, 100)

    async def lasting_keys(self) -> set[str]:
        """Every key that has no end of its own."""
        keys = [key async for key in self.redis.scan_iter(count=1_000)]
        return {key.decode() for key in keys if await self.redis.ttl(key) < 0}

    async def passing_kinds(self) -> set[str]:
        """The kinds of the keys that end by themselves."""
        keys = [key async for key in self.redis.scan_iter(count=1_000)]
        return {key.decode().split(":")[1] for key in keys if await self.redis.ttl(key) >= 0}


async def never_paid(evening: Evening, sale: SaleId) -> tuple[OrderId, str]:
    """An order whose payment was begun and closed; answers both."""
    held = await evening.buy(sale, "late")
    payment = await evening.pay_page(held, "late")
    order = OrderId(held.order.order)
    await evening.orders.cancel(order, PersonId("late"))
    await evening.work()
    return order, payment
