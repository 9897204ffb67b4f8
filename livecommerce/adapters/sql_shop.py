"""Shops in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import asdict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_schema import shop_policies, shops
from livecommerce.adapters.sql_transactions import reads, upsert, writes
from livecommerce.ids import ShopId
from livecommerce.localized import LocalText
from livecommerce.shop import Policy, Shop


class SqlShops:
    """The shops of a deployment, and what they promise."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, shop: Shop, at_ms: int) -> None:
        """Adds a shop, or gives the one with this id a new name."""
        values = {"shop": shop.shop, "name": shop.name, "created_ms": at_ms}
        async with writes(self._engine) as connection:
            await upsert(connection, shops, values, keep=["created_ms"])

    async def names_of(self, wanted: Sequence[str]) -> dict[str, LocalText]:
        """Names by shop id; unknown shops are left out."""
        query = select(shops.c.shop, shops.c.name).where(shops.c.shop.in_(set(wanted)))
        async with reads(self._engine) as connection:
            return {row.shop: row.name for row in await connection.execute(query)}

    async def policies_of(self, wanted: Sequence[str]) -> dict[str, Policy]:
        """By shop id; a shop that never set one has the policy of ``Policy()``."""
        query = select(shop_policies).where(shop_policies.c.shop.in_(set(wanted)))
        policies = {shop: Policy() for shop in wanted}
        async with reads(self._engine) as connection:
            for row in (await connection.execute(query)).mappings():
                policies[row["shop"]] = Policy(**{name: row[name] for name in Policy.__struct_fields__})
        return policies

    async def set_policy(self, shop: ShopId, policy: Policy) -> None:
        """Puts a policy in force for what is bought from now on."""
        async with writes(self._engine) as connection:
            await upsert(connection, shop_policies, {"shop": shop, **asdict(policy)})
