"""Campaigns on both databases: a budget never lends more than it holds."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import Raw
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_campaigns import SqlCampaigns
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.coupon import Campaign
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import CampaignId, ShopId
from livecommerce.outbox import OutboxRecord
from livecommerce.shop import Shop

CAMPAIGN = Campaign(
    campaign=CampaignId("c1"),
    shop=ShopId("shop"),
    kind="share",
    title={"zh-CN": "请好友来看", "en": "Bring friends"},
    funder="platform",
    discount_minor=500,
    threshold_minor=3000,
    currency="CNY",
    budget_minor=1200,
    lent_minor=0,
    per_person=1,
    arrivals_needed=2,
    starts_ms=10,
    ends_ms=100,
)


@pytest.fixture
async def campaigns(database: AsyncEngine) -> SqlCampaigns:
    await SqlShops(database).add(Shop(shop=ShopId("shop"), name={"en": "Shop"}), 1)
    store = SqlCampaigns(database)
    await store.add(CAMPAIGN)
    return store


async def test_a_campaign_is_read_as_it_was_added(campaigns: SqlCampaigns) -> None:
    await campaigns.add(replace(CAMPAIGN, budget_minor=9))
    assert await campaigns.find(CAMPAIGN.campaign) == CAMPAIGN
    with pytest.raises(NotFound):
        await campaigns.find(CampaignId("nothing"))


async def test_only_running_campaigns_are_offered(campaigns: SqlCampaigns) -> None:
    assert await campaigns.of_shop(ShopId("shop"), 9) == []
    assert await campaigns.of_shop(ShopId("shop"), 10) == [CAMPAIGN]
    assert await campaigns.of_shop(ShopId("shop"), 100) == []
    assert await campaigns.of_shop(ShopId("other"), 10) == []


async def test_a_repeated_transfer_lends_once(campaigns: SqlCampaigns) -> None:
    for _ in range(3):
        await campaigns.lend(CAMPAIGN.campaign, "t1", 500, 20)
    assert (await campaigns.find(CAMPAIGN.campaign)).left_minor == 700


async def test_a_repeated_transfer_of_another_amount_is_refused(campaigns: SqlCampaigns) -> None:
    await campaigns.lend(CAMPAIGN.campaign, "t1", 500, 20)
    with pytest.raises(Conflict, match="key_reused"):
        await campaigns.lend(CAMPAIGN.campaign, "t1", 600, 20)
    assert (await campaigns.find(CAMPAIGN.campaign)).left_minor == 700


async def test_what_a_shard_returns_is_there_again_once(
    campaigns: SqlCampaigns, database: AsyncEngine
) -> None:
    await campaigns.lend(CAMPAIGN.campaign, "t1", 1_200, 20)
    data = Raw(b'{"campaign":"c1","transfer":"returned:00:1","amount_minor":700,"at_ms":120}')
    for told in ("told", "told again"):
        record = OutboxRecord(
            position="1-0", id=told, type="budget.returned", key="c1", room="", at_ms=120, data=data
        )
        for _ in range(2):
            await SqlProjection(database).apply([record])
    assert (await campaigns.find(CAMPAIGN.campaign)).left_minor == 700


async def test_transfers_at_once_never_exceed_the_budget(campaigns: SqlCampaigns) -> None:
    wishes = (campaigns.lend(CAMPAIGN.campaign, f"t{number}", 500, 20) for number in range(5))
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    assert sum(answer is None for answer in answers) == 2
    assert all(isinstance(answer, Conflict) for answer in answers if answer is not None)
    assert (await campaigns.find(CAMPAIGN.campaign)).left_minor == 200


async def test_an_unknown_campaign_lends_nothing(campaigns: SqlCampaigns) -> None:
    with pytest.raises(NotFound):
        await campaigns.lend(CampaignId("nothing"), "t", 1, 20)
