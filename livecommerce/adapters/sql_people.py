"""What is known of a person, in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_schema import addresses, audit, deliveries, memberships, orders, persons
from livecommerce.adapters.sql_transactions import reads, writes
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import PersonId


class SqlPeople:
    """Everybody's personal data."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def export(self, person: PersonId) -> dict[str, Any]:
        """Everything that names this person."""
        account = select(persons.c.person, persons.c.login, persons.c.name, persons.c.created_ms)
        queries: dict[str, Select[Any]] = {
            "account": account.where(persons.c.person == person),
            "roles": _of(memberships, memberships.c.person == person),
            "addresses": _of(addresses, addresses.c.person == person),
            "orders": _of(orders, orders.c.buyer == person),
            "deliveries": _of(deliveries, deliveries.c.buyer == person),
            "actions": _of(audit, audit.c.actor == person),
        }
        async with reads(self._engine) as connection:
            known = {name: await _rows(connection, query) for name, query in queries.items()}
        if not any(known.values()):
            raise NotFound("person_not_found")
        return known

    async def erase(self, person: PersonId) -> None:
        """Forgets who a person is."""
        await self.export(person)
        async with writes(self._engine) as connection:
            unfinished = select(func.count()).where(
                orders.c.buyer == person,
                orders.c.order_state == "confirmed",
                orders.c.charge_state != "refunded",
            )
            count = await connection.scalar(unfinished)
            if count:
                raise Conflict("orders_open", n=count)
            await connection.execute(
                update(persons)
                .where(persons.c.person == person)
                .values(name="", login=None, password_hash=None)
            )
            await connection.execute(
                update(deliveries).where(deliveries.c.buyer == person).values(fields=None, note="")
            )
            for table in (memberships, addresses):
                await connection.execute(delete(table).where(table.c.person == person))


def _of(table: Table, condition: Any) -> Select[Any]:
    return select(table).where(condition)


async def _rows(connection: AsyncConnection, query: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in (await connection.execute(query)).mappings()]
