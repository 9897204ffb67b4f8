"""Parcels in SQL: shipped by merchants, followed by carriers' messages, received by buyers or by time."""

from __future__ import annotations

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_order_record import (
    add_once,
    events_of,
    locked_record,
    note,
    store,
    take_turns,
)
from livecommerce.adapters.sql_schema import orders, parcel_keys, parcel_updates, parcels
from livecommerce.adapters.sql_transactions import insert_new, reads, upsert, writes
from livecommerce.aftersales.parcel import ParcelUpdate, plan_parcel, told
from livecommerce.aftersales.record import OrderRecord, Parcel, Receipt
from livecommerce.aftersales.wishes import ParcelWish
from livecommerce.errors import Conflict, NotFound
from livecommerce.fail_points import reach
from livecommerce.ids import UNSHARDED, OrderId, PersonId, ShopId, named_id


class SqlParcels:
    """A tracking number's turn is taken before any order is locked, and orders are locked by their ids.

    Every method raises ``Unavailable`` while SQL is away, ``NotFound`` for an order that is not there."""

    def __init__(self, engine: AsyncEngine, receipt: Receipt) -> None:
        self._engine = engine
        self._receipt = receipt

    async def ship(
        self, order: OrderId, wish: ParcelWish, by: PersonId, now_ms: int, request: str = ""
    ) -> Parcel:
        """The merchant gives units to a carrier; the same key again is the same parcel.

        Raises:
            Conflict: ``order_not_open``, ``nothing_to_ship``, ``too_many_units``, ``key_reused``.
            Invalid: ``bad_request``.
        """
        async with writes(self._engine) as connection:
            shop = await _shop_of(connection, order)
            await take_turns(connection, "parcel", shop, wish.tracking)
            before = await locked_record(connection, order)
            parcel = named_id(UNSHARDED, "parcel", order, wish.key)
            known = {one.parcel: one for one in before.parcels}.get(parcel)
            lines = plan_parcel(before, wish) if known is None else known.lines
            fresh = Parcel(
                parcel=parcel,
                order=order,
                state="shipped",
                carrier=wish.carrier,
                tracking=wish.tracking,
                lines=lines,
                shipped_ms=now_ms,
            )
            row = {**msgspec.to_builtins(fresh), "shop": shop}
            del row["events"]
            if not await add_once(connection, parcels, "parcel", row, wish):
                assert known is not None  # noqa: S101 - its row is there, and the order is locked
                return known
            sent = await self._follow(connection, shop, fresh)
            await store(connection, before, before.with_parcel(sent), self._receipt)
            await note(connection, by, "order.ship", order, sent, now_ms, request)
        return sent

    async def follow(self, shop: ShopId, message: str, update: ParcelUpdate, now_ms: int) -> int | None:
        """Takes a carrier's message in; answers how many parcels it is about, or ``None`` if it is known."""
        row = {**msgspec.to_builtins(update), "at_ms": min(update.at_ms, now_ms)}
        async with writes(self._engine) as connection:
            await take_turns(connection, "parcel", shop, update.tracking)
            row |= {"shop": shop, "message": message, "told_ms": now_ms}
            if not await insert_new(connection, parcel_updates, row):
                return None
            meant = await connection.execute(
                select(parcels.c.parcel, parcels.c.order)
                .where(parcels.c.shop == shop, parcels.c.tracking == update.tracking)
                .order_by(parcels.c.order, parcels.c.parcel)
            )
            about = meant.all()
            for parcel, order in about:
                before = await locked_record(connection, order)
                (old,) = (one for one in before.parcels if one.parcel == parcel)
                new = await self._follow(connection, shop, old)
                await store(connection, before, before.with_parcel(new), self._receipt)
        return len(about)

    async def receive(self, order: OrderId, buyer: PersonId, now_ms: int) -> None:
        """The buyer has everything: the return window begins. Repeated, it changes nothing.

        Raises:
            Conflict: ``not_shipped``: something is still to come.
        """
        async with writes(self._engine) as connection:
            before = await locked_record(connection, order)
            if before.order.buyer != buyer:
                raise NotFound("order_not_found")
            if before.received_ms is None:
                await self._received(connection, before, buyer, now_ms)

    async def receive_due(self, now_ms: int, count: int) -> int:
        """Orders whose buyers have said nothing for long enough count as received; answers how many."""
        async with writes(self._engine) as connection:
            due = await connection.scalars(
                select(orders.c.order)
                .where(orders.c.receipt_due_ms <= now_ms)
                .order_by(orders.c.receipt_due_ms)
                .limit(count)
                .with_for_update(skip_locked=True)
            )
            found = list(due)
            for order in found:
                before = await locked_record(connection, order)
                await self._received(connection, before, "worker", now_ms)
            reach("receipt.before_commit")
        return len(found)

    async def key_version(self, shop: ShopId) -> tuple[int, int]:
        """How often a shop's key was changed, and when last; (0, 0) for never."""
        query = select(parcel_keys.c.version, parcel_keys.c.since_ms).where(parcel_keys.c.shop == shop)
        async with reads(self._engine) as connection:
            row = (await connection.execute(query)).one_or_none()
        return (0, 0) if row is None else (row.version, row.since_ms)

    async def change_key(self, shop: ShopId, by: PersonId, now_ms: int, request: str = "") -> int:
        """Has the shop's carriers sign with another key from now on; answers its version."""
        async with writes(self._engine) as connection:
            await take_turns(connection, "parcel_key", shop)
            query = select(parcel_keys.c.version).where(parcel_keys.c.shop == shop)
            version = ((await connection.scalar(query)) or 0) + 1
            values = {"shop": shop, "version": version, "since_ms": now_ms}
            await upsert(connection, parcel_keys, values)
            await note(connection, by, "shop.parcel_key", shop, {"version": version}, now_ms, request)
        return version

    async def _follow(self, connection: AsyncConnection, shop: str, parcel: Parcel) -> Parcel:
        """A parcel after everything that was told of it."""
        events = await events_of(connection, [(shop, parcel.tracking)])
        new = told(parcel, events[shop, parcel.tracking])
        await connection.execute(
            update(parcels)
            .where(parcels.c.parcel == parcel.parcel)
            .values(state=new.state, delivered_ms=new.delivered_ms)
        )
        return new

    async def _received(self, connection: AsyncConnection, before: OrderRecord, by: str, now_ms: int) -> None:
        if before.fulfillment_state not in ("shipped", "delivered"):
            raise Conflict("not_shipped", state=before.fulfillment_state)
        after = msgspec.structs.replace(before, received_ms=now_ms)
        await store(connection, before, after, self._receipt)
        await note(connection, by, "order.receive", before.order.order, {"at_ms": now_ms}, now_ms)


async def _shop_of(connection: AsyncConnection, order: str) -> str:
    """Whose order it is, which never changes: known before the order is locked.

    Raises:
        NotFound: ``order_not_found``.
    """
    shop: str | None = await connection.scalar(select(orders.c.shop).where(orders.c.order == order))
    if shop is None:
        raise NotFound("order_not_found")
    return shop
