"""Campaigns in SQL, the home of coupon budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_schema import budget_transfers, campaigns
from livecommerce.adapters.sql_transactions import insert_new, reads, writes
from livecommerce.coupon import Campaign
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import CampaignId, ShopId


class SqlCampaigns:
    """Budgets never lend more than they hold."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, campaign: Campaign) -> None:
        """Adds a campaign; one with this id is left as it is."""
        row = asdict(campaign)
        row["allocated_minor"] = row.pop("lent_minor")
        async with writes(self._engine) as connection:
            await insert_new(connection, campaigns, row)

    async def find(self, campaign: CampaignId) -> Campaign:
        """One campaign."""
        async with reads(self._engine) as connection:
            found = await connection.execute(select(campaigns).where(campaigns.c.campaign == campaign))
            row = found.mappings().first()
        if row is None:
            raise NotFound("campaign_not_found")
        return _campaign(row)

    async def of_shop(self, shop: ShopId, at_ms: int) -> list[Campaign]:
        """A shop's campaigns that run at a time, the one that ends first at the head."""
        query = (
            select(campaigns)
            .where(campaigns.c.shop == shop, campaigns.c.starts_ms <= at_ms, campaigns.c.ends_ms > at_ms)
            .order_by(campaigns.c.ends_ms, campaigns.c.campaign)
        )
        async with reads(self._engine) as connection:
            return [_campaign(row) for row in (await connection.execute(query)).mappings()]

    async def lend(self, campaign: CampaignId, transfer: str, amount_minor: int, at_ms: int) -> None:
        """Takes money out of a budget for a room, once per transfer."""
        row = {
            "campaign": campaign,
            "transfer": transfer,
            "amount_minor": amount_minor,
            "created_ms": at_ms,
        }
        left = campaigns.c.budget_minor - campaigns.c.allocated_minor
        this = campaigns.c.campaign == campaign
        async with writes(self._engine) as connection:
            left_minor = await connection.scalar(select(left).where(this).with_for_update(key_share=True))
            if left_minor is None:
                raise NotFound("campaign_not_found")
            if await insert_new(connection, budget_transfers, row):
                if left_minor < amount_minor:
                    raise Conflict("budget_spent", left_minor=left_minor)
                await _add_lent(connection, campaign, amount_minor)
            elif await _amount_of(connection, campaign, transfer) != amount_minor:
                raise Conflict("key_reused")


async def take_rest_back(
    connection: AsyncConnection, campaign: CampaignId, transfer: str, amount_minor: int, at_ms: int
) -> None:
    """Returns what a shard has left to a budget, once per transfer, within the caller's transaction.

    A campaign that SQL does not know lent nothing and gets nothing back.
    """
    row = {"campaign": campaign, "transfer": transfer, "amount_minor": -amount_minor, "created_ms": at_ms}
    known = select(campaigns.c.campaign).where(campaigns.c.campaign == campaign)
    if await connection.scalar(known) and await insert_new(connection, budget_transfers, row):
        await _add_lent(connection, campaign, -amount_minor)


async def _add_lent(connection: AsyncConnection, campaign: CampaignId, amount_minor: int) -> None:
    lent = campaigns.c.allocated_minor + amount_minor
    changed = update(campaigns).where(campaigns.c.campaign == campaign).values(allocated_minor=lent)
    await connection.execute(changed)


async def _amount_of(connection: AsyncConnection, campaign: CampaignId, transfer: str) -> int | None:
    this = (budget_transfers.c.campaign == campaign, budget_transfers.c.transfer == transfer)
    return await connection.scalar(select(budget_transfers.c.amount_minor).where(*this))


def _campaign(row: Mapping[Any, Any]) -> Campaign:
    fields = dict(row)
    fields["lent_minor"] = fields.pop("allocated_minor")
    return Campaign(**fields)
