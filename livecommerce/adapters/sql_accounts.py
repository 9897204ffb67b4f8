"""Accounts in SQL; the only tables with personal data."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Account, Membership
from livecommerce.adapters.sql_schema import memberships, persons
from livecommerce.adapters.sql_transactions import reads, writes
from livecommerce.clock import Clock
from livecommerce.errors import Conflict


class SqlAccounts:
    """People who can sign in, and their roles."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def find(self, person: str) -> Account | None:
        """The account of this person."""
        return await self._find(persons.c.person == person)

    async def find_by_login(self, login: str) -> Account | None:
        """The account with this login name."""
        return await self._find(persons.c.login == login)

    async def _find(self, condition: ColumnElement[bool]) -> Account | None:
        async with reads(self._engine) as connection:
            found = await connection.execute(select(persons).where(condition))
            row = found.one_or_none()
            if row is None:
                return None
            roles = await connection.execute(
                select(memberships.c.role, memberships.c.shop)
                .where(memberships.c.person == row.person)
                .order_by(memberships.c.role, memberships.c.shop)
            )
            return Account(
                person=row.person,
                login=row.login,
                name=row.name,
                password_hash=row.password_hash,
                roles=tuple(Membership(role, shop) for role, shop in roles),
            )

    async def add(self, account: Account) -> None:
        """Adds an account; raises ``Conflict`` where the login name is taken."""
        person = {
            "person": account.person,
            "login": account.login,
            "password_hash": account.password_hash,
            "name": account.name,
            "created_ms": self._clock(),
        }
        roles = [
            {"person": account.person, "shop": membership.shop, "role": membership.role}
            for membership in account.roles
        ]
        try:
            async with writes(self._engine) as connection:
                await connection.execute(insert(persons).values(person))
                if roles:
                    await connection.execute(insert(memberships), roles)
        except IntegrityError as error:
            raise Conflict("login_taken") from error

    async def names_of(self, people: Sequence[str]) -> dict[str, str]:
        """Display names by person id; unknown people are left out."""
        query = select(persons.c.person, persons.c.name).where(persons.c.person.in_(set(people)))
        async with reads(self._engine) as connection:
            return {row.person: row.name for row in await connection.execute(query)}
