"""The schedule in SQL. A transaction that decides locks what it is about first: the show, then the brand,
then the products in the order of their ids. On SQLite the one write lock stands for all of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_schema import (
    persons,
    products,
    segment_extensions,
    segment_products,
    segments,
    shops,
    shows,
)
from livecommerce.adapters.sql_transactions import insert_new, reads, writes
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import ProductId, RoomId, SegmentId, ShopId
from livecommerce.schedule import segment as rules
from livecommerce.schedule.booking import Booking, check_booking, check_host
from livecommerce.schedule.segment import BOOKED, Segment
from livecommerce.schedule.show import Show, lateness_ms


class SqlSchedule:
    """Shows and segments; each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    # ------------------------------------------------------------ shows

    async def add_show(self, show: Show) -> None:
        """Adds a show; one with this id is left as it is."""
        async with writes(self._engine) as connection:
            await connection.execute(
                select(persons.c.person).where(persons.c.person == show.host).with_for_update(key_share=True)
            )
            check_host(show, await _shows(connection, shows.c.host == show.host, shows.c.phase != "ended"))
            await insert_new(connection, shows, asdict(show))

    async def show(self, room: RoomId) -> Show:
        """One show."""
        async with reads(self._engine) as connection:
            return await _show(connection, room)

    async def shows_between(self, from_ms: int, to_ms: int) -> list[Show]:
        """Shows planned to touch a span of time, earliest first."""
        async with reads(self._engine) as connection:
            return await _shows(connection, shows.c.starts_ms < to_ms, shows.c.ends_ms > from_ms)

    async def unfinished(self) -> list[Show]:
        """All shows that have not ended, earliest first."""
        async with reads(self._engine) as connection:
            return await _shows(connection, shows.c.phase != "ended")

    async def last_ended(self, limit: int) -> list[Show]:
        """Shows that have ended, the newest first."""
        query = select(shows).where(shows.c.phase == "ended").order_by(shows.c.ended_ms.desc()).limit(limit)
        async with reads(self._engine) as connection:
            return [Show(**row) for row in (await connection.execute(query)).mappings()]

    # ------------------------------------------------------------ segments

    async def segments_of(self, rooms: Sequence[RoomId]) -> list[Segment]:
        """The segments of some shows, in every state, earliest first."""
        async with reads(self._engine) as connection:
            return await _segments(connection, segments.c.room.in_(set(rooms)))

    async def segments_of_brand(self, brand: ShopId) -> list[Segment]:
        """A brand's segments, in every state, earliest first."""
        async with reads(self._engine) as connection:
            return await _segments(connection, segments.c.brand == brand)

    async def segment(self, segment: SegmentId) -> Segment:
        """One segment."""
        async with reads(self._engine) as connection:
            return await _segment(connection, segment)

    async def request(self, segment: Segment) -> None:
        """Adds a request if the schedule has room for it."""
        async with writes(self._engine) as connection:
            show = await _show(connection, segment.room)
            await _check_owners(connection, segment, show)
            await _check_room_for(connection, segment, show)
            row = asdict(segment)
            del row["products"]
            await connection.execute(insert(segments).values(row))
            await connection.execute(
                insert(segment_products),
                [
                    {"segment": segment.segment, "product": product, "position": position}
                    for position, product in enumerate(segment.products)
                ],
            )

    async def turn(self, segment: SegmentId, action: str, reason: str = "") -> tuple[Segment, Segment]:
        """Accepts, declines or cancels; answers the segment before and after."""
        async with writes(self._engine) as connection:
            show, before = await _lock(connection, segment)
            after = rules.turn(before, action, reason)
            if action == "accept":
                await _lock_shared(connection, before)
                await _check_room_for(connection, after, show)
            await _save(connection, [after])
            return before, after

    # ------------------------------------------------------------ the run of the show

    async def put_on_air(self, segment: SegmentId, starts_ms: int, ends_ms: int) -> None:
        """Notes that a confirmed segment is on air, and moves what follows out of its way."""
        async with writes(self._engine) as connection:
            show, before = await _lock(connection, segment)
            if before.can("air"):
                after = rules.put_on_air(before, starts_ms, ends_ms)
                await _save(connection, [after])
                await _push(connection, show, after.ends_ms)

    async def finish(self, segment: SegmentId) -> None:
        """Notes that a segment on air is over."""
        async with writes(self._engine) as connection:
            _, before = await _lock(connection, segment)
            if before.can("finish"):
                await _save(connection, [rules.turn(before, "finish")])

    async def extend(self, segment: SegmentId, by_ms: int, key: str) -> tuple[Segment, Segment]:
        """Gives a segment on air more time, once per key; answers it before and after."""
        async with writes(self._engine) as connection:
            show, before = await _lock(connection, segment)
            if not await _is_new_extension(connection, segment, key, by_ms):
                return before, before
            after = rules.extend(before, by_ms)
            await _save(connection, [after])
            await _push(connection, show, after.ends_ms)
            return before, after

    async def show_started(self, room: RoomId, at_ms: int) -> bool:
        """Notes that a show is live; a late start moves its segments and its end."""
        async with writes(self._engine) as connection:
            show = await _lock_show(connection, room)
            if show.phase != "scheduled":
                return False
            late_ms = lateness_ms(show, at_ms)
            await _update_show(
                connection, room, phase="live", started_ms=at_ms, ends_ms=show.ends_ms + late_ms
            )
            if late_ms:
                waiting = await _segments(
                    connection, segments.c.room == room, segments.c.state.in_(("requested", "confirmed"))
                )
                await _save(connection, [rules.move(one, late_ms) for one in waiting])
            return True

    async def show_ended(self, room: RoomId, at_ms: int) -> bool:
        """Notes that a show is over: what was on air is done, what was still to come is canceled."""
        async with writes(self._engine) as connection:
            show = await _lock_show(connection, room)
            if show.phase == "ended":
                return False
            await _update_show(connection, room, phase="ended", ended_ms=at_ms)
            for one in await _segments(connection, segments.c.room == room):
                await _save(connection, rules.closed_with_show(one))
            return True


# ---------------------------------------------------------------- locks


async def _lock_show(connection: AsyncConnection, room: str) -> Show:
    return await _show(connection, room, lock=True)


async def _lock(connection: AsyncConnection, segment: str) -> tuple[Show, Segment]:
    """A segment as it is once nobody else can change its show's schedule."""
    show = await _lock_show(connection, (await _segment(connection, segment)).room)
    return show, await _segment(connection, segment)


async def _lock_shared(connection: AsyncConnection, segment: Segment) -> None:
    """Locks what other shows could be booking at this moment."""
    brand = select(shops.c.shop).where(shops.c.shop == segment.brand)
    goods = select(products.c.product).where(products.c.product.in_(segment.products))
    await connection.execute(brand.with_for_update(key_share=True))
    await connection.execute(goods.order_by(products.c.product).with_for_update(key_share=True))


# ---------------------------------------------------------------- checks


async def _check_owners(connection: AsyncConnection, segment: Segment, show: Show) -> None:
    known = await connection.scalars(
        select(products.c.product).where(
            products.c.product.in_(segment.products),
            products.c.shop.in_((segment.brand, show.shop)),
            products.c.archived_ms.is_(None),
        )
    )
    missing = set(segment.products) - set(known)
    if missing:
        raise NotFound("product_not_found", product=min(missing))


async def _check_room_for(connection: AsyncConnection, segment: Segment, show: Show) -> None:
    shared = select(segment_products.c.segment).where(segment_products.c.product.in_(segment.products))
    overlaps = and_(segments.c.starts_ms < segment.ends_ms, segments.c.ends_ms > segment.starts_ms)
    elsewhere = and_(overlaps, or_(segments.c.brand == segment.brand, segments.c.segment.in_(shared)))
    others = await _segments(
        connection, segments.c.state.in_(BOOKED), or_(segments.c.room == segment.room, elsewhere)
    )
    categories = await _categories(
        connection, {product for one in (segment, *others) for product in one.products}
    )
    check_booking(_booking(segment, categories), show, [_booking(other, categories) for other in others])


def _booking(segment: Segment, categories: dict[str, str]) -> Booking:
    return Booking(segment=segment, categories=frozenset(categories[product] for product in segment.products))


async def _categories(connection: AsyncConnection, wanted: set[ProductId]) -> dict[str, str]:
    query = select(products.c.product, products.c.category).where(products.c.product.in_(wanted))
    return {row.product: row.category for row in await connection.execute(query)}


# ---------------------------------------------------------------- rows


async def _show(connection: AsyncConnection, room: str, *, lock: bool = False) -> Show:
    query = select(shows).where(shows.c.room == room)
    if lock:
        query = query.with_for_update(key_share=True)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound("show_not_found")
    return Show(**row)


async def _shows(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> list[Show]:
    query = select(shows).where(*conditions).order_by(shows.c.starts_ms, shows.c.room)
    return [Show(**row) for row in (await connection.execute(query)).mappings()]


async def _update_show(connection: AsyncConnection, room: str, **values: Any) -> None:
    await connection.execute(update(shows).where(shows.c.room == room).values(**values))


async def _segment(connection: AsyncConnection, segment: str) -> Segment:
    found = await _segments(connection, segments.c.segment == segment)
    if not found:
        raise NotFound("segment_not_found")
    return found[0]


async def _segments(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> list[Segment]:
    query = select(segments).where(*conditions).order_by(segments.c.starts_ms, segments.c.segment)
    rows = (await connection.execute(query)).mappings().all()
    goods = await connection.execute(
        select(segment_products.c.segment, segment_products.c.product)
        .where(segment_products.c.segment.in_({row["segment"] for row in rows}))
        .order_by(segment_products.c.position)
    )
    shown: dict[str, list[ProductId]] = {}
    for row in goods:
        shown.setdefault(row.segment, []).append(row.product)
    return [Segment(products=tuple(shown.get(row["segment"], ())), **row) for row in rows]


async def _save(connection: AsyncConnection, changed: Iterable[Segment]) -> None:
    for one in changed:
        await connection.execute(
            update(segments)
            .where(segments.c.segment == one.segment)
            .values(
                state=one.state,
                reason=one.reason,
                starts_ms=one.starts_ms,
                ends_ms=one.ends_ms,
                version=one.version,
            )
        )


async def _is_new_extension(connection: AsyncConnection, segment: str, key: str, by_ms: int) -> bool:
    """Notes that a segment gets more time; the caller holds the show's lock.

    Raises:
        Conflict: ``key_reused``: with this key it got another time.
    """
    table = segment_extensions
    if await insert_new(connection, table, {"segment": segment, "key": key, "by_ms": by_ms}):
        return True
    known = select(table.c.by_ms).where(table.c.segment == segment, table.c.key == key)
    if await connection.scalar(known) != by_ms:
        raise Conflict("key_reused")
    return False


async def _push(connection: AsyncConnection, show: Show, busy_until_ms: int) -> None:
    waiting = await _segments(connection, segments.c.room == show.room, segments.c.state == "confirmed")
    moved = rules.pushed(waiting, busy_until_ms)
    await _save(connection, moved)
    last_ms = max([busy_until_ms, *(one.ends_ms for one in moved)])
    if last_ms > show.ends_ms:
        await _update_show(connection, show.room, ends_ms=last_ms)
