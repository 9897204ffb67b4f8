"""Address books and deliveries in SQL, the only place that knows where people live."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import convert
from msgspec.structs import asdict
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_schema import addresses, deliveries, orders
from livecommerce.adapters.sql_transactions import reads, upsert, writes
from livecommerce.addresses import (
    MAX_ADDRESSES,
    Address,
    AddressId,
    BookedAddress,
    Delivery,
    plain,
)
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import OrderId, PersonId

_NEWEST = (addresses.c.is_default.desc(), addresses.c.created_ms.desc(), addresses.c.address)


class SqlAddressBooks:
    """Everybody's addresses."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of_person(self, person: PersonId) -> list[BookedAddress]:
        """A person's addresses, the default one first, then newest first."""
        query = select(addresses).where(addresses.c.person == person).order_by(*_NEWEST)
        async with reads(self._engine) as connection:
            return [
                BookedAddress(**row.fields, address=row.address, is_default=row.is_default)
                for row in await connection.execute(query)
            ]

    async def put(self, person: PersonId, address: BookedAddress, at_ms: int) -> None:
        """Adds an address, or changes the one with this id."""
        async with writes(self._engine) as connection:
            owner = await connection.scalar(
                select(addresses.c.person).where(addresses.c.address == address.address)
            )
            if owner not in (None, person):
                raise NotFound("address_not_found")
            others = await _count(connection, person, but=address.address)
            if owner is None and others >= MAX_ADDRESSES:
                raise Conflict("address_book_full", max=MAX_ADDRESSES)
            first = others == 0
            if address.is_default:
                await connection.execute(
                    update(addresses).where(addresses.c.person == person).values(is_default=False)
                )
            row = {
                "address": address.address,
                "person": person,
                "is_default": address.is_default or first,
                "fields": asdict(plain(address)),
                "created_ms": at_ms,
            }
            await upsert(connection, addresses, row, keep=["person", "created_ms"])
            await _have_default(connection, person)

    async def remove(self, person: PersonId, address: AddressId) -> None:
        """Takes an address out of a book."""
        this = (addresses.c.person == person, addresses.c.address == address)
        async with writes(self._engine) as connection:
            await connection.execute(delete(addresses).where(*this))
            await _have_default(connection, person)


async def _count(connection: AsyncConnection, person: PersonId, but: AddressId) -> int:
    others = select(func.count()).where(addresses.c.person == person, addresses.c.address != but)
    return await connection.scalar(others) or 0


async def _have_default(connection: AsyncConnection, person: PersonId) -> None:
    """Makes the newest the default one where there is none."""
    first = await connection.execute(
        select(addresses.c.address, addresses.c.is_default)
        .where(addresses.c.person == person)
        .order_by(*_NEWEST)
        .limit(1)
    )
    row = first.one_or_none()
    if row is not None and not row.is_default:
        this = addresses.c.address == row.address
        await connection.execute(update(addresses).where(this).values(is_default=True))


class SqlDeliveries:
    """Where orders go."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, wanted: Sequence[OrderId]) -> dict[OrderId, Delivery]:
        """Deliveries by order; orders without one are left out."""
        query = select(deliveries).where(deliveries.c.order.in_(set(wanted)))
        async with reads(self._engine) as connection:
            return {
                OrderId(row.order): Delivery(
                    order=OrderId(row.order),
                    buyer=PersonId(row.buyer),
                    address=convert(row.fields, Address) if row.fields else None,
                    note=row.note,
                )
                for row in await connection.execute(query)
            }

    async def put(self, delivery: Delivery, at_ms: int) -> None:
        """Keeps an unpaid order's delivery, in place of an earlier choice."""
        row = {
            "order": delivery.order,
            "buyer": delivery.buyer,
            "fields": asdict(delivery.address) if delivery.address else None,
            "note": delivery.note,
            "chosen_ms": at_ms,
        }
        async with writes(self._engine) as connection:
            await upsert(connection, deliveries, row, keep=["buyer"])

    async def prune(self, before_ms: int) -> int:
        """Forgets deliveries chosen before then whose order was never paid; answers how many."""
        unpaid = ~exists().where(orders.c.order == deliveries.c.order)
        async with writes(self._engine) as connection:
            gone = await connection.execute(
                delete(deliveries).where(deliveries.c.chosen_ms < before_ms, unpaid)
            )
            return gone.rowcount
