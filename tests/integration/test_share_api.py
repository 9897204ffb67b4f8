"""Sharing a room over HTTP, with real coupons and a real budget."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.redis_connection import Connection, tag_of
from livecommerce.adapters.sql_schema import campaigns
from livecommerce.clock import now_ms
from livecommerce.coupon import Campaign, GrantCard
from livecommerce.errors import Conflict
from livecommerce.ids import CampaignId, RoomId, ShopId
from tests.integration.programme import ORIGIN, STAY_MS, Site
from tests.schedules import a_show

ROOM = RoomId("00" + "R" * 26)
SHARE = CampaignId("share")


@pytest.fixture
async def site(redis: Connection, sql: AsyncEngine) -> Site:
    site = Site(redis, sql)
    await site.prepare()
    await site.programme.schedule.add_show(a_show(ROOM, host="p-host"))
    return site


async def run_campaign(site: Site, *, budget_minor: int = 1_000) -> None:
    campaign = Campaign(
        campaign=SHARE,
        shop=ShopId("shop"),
        kind="share",
        title={"en": "Bring a friend"},
        funder="platform",
        discount_minor=500,
        threshold_minor=3_000,
        currency="CNY",
        budget_minor=budget_minor,
        lent_minor=0,
        per_person=1,
        arrivals_needed=1,
        starts_ms=0,
        ends_ms=now_ms() + 3_600_000,
    )
    await site.programme.campaigns.add(campaign)


async def share(site: Site, person: str = "viewer") -> dict[str, Any]:
    body = {"channel": "link", "device": f"phone-{person}"}
    answer = await site.ask(person, "POST", f"/api/rooms/{ROOM}/share", body)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def wallet(redis: Connection, person: str) -> list[tuple[str, int]]:
    """State and arrivals of a person's coupons, as a join shows them."""
    records: Any = await redis.hgetall(f"{tag_of(ROOM)}:mine:{ROOM}:p-{person}")
    cards = [msgspec.json.decode(record, type=GrantCard) for record in records.values()]
    return [(card.state, card.arrivals) for card in cards]


async def come(site: Site, person: str, grant: str) -> str:
    device = f"phone-{person}"
    await site.sharing.arrived(ROOM, f"p-{person}", device, grant, 1_000)
    return await site.sharing.stayed(ROOM, f"p-{person}", device, grant, 1_000 + STAY_MS)


async def test_a_link_promises_a_coupon_that_a_friend_unlocks(site: Site, redis: Connection) -> None:
    await run_campaign(site)
    link = await share(site)
    assert link["url"] == f"{ORIGIN}/room/{ROOM}?g={link['grant']}"
    assert link["campaign"] == {
        "title": {"en": "Bring a friend"},
        "arrivals_needed": 1,
        "discount_minor": 500,
        "threshold_minor": 3_000,
        "currency": "CNY",
        "percent_ppm": 0,
    }
    assert await wallet(redis, "viewer") == [("locked", 0)]
    assert await come(site, "friend", link["grant"]) == "verified"
    assert await wallet(redis, "viewer") == [("active", 1)]
    assert (await site.coupons.audit(ROOM, SHARE)).violations() == []


async def test_sharing_again_gives_the_same_link_and_one_coupon(site: Site, redis: Connection) -> None:
    await run_campaign(site)
    assert await share(site) == await share(site)
    assert await wallet(redis, "viewer") == [("locked", 0)]


async def left_minor(site: Site) -> int:
    return (await site.programme.campaigns.find(SHARE)).left_minor


async def test_sharing_takes_no_money_until_a_friend_comes(site: Site) -> None:
    await run_campaign(site)
    link = await share(site)
    await share(site)
    assert await left_minor(site) == 1_000
    assert await come(site, "friend", link["grant"]) == "verified"
    assert await come(site, "friend", link["grant"]) == "repeat"
    assert await left_minor(site) == 500


async def test_a_share_that_is_refused_takes_no_money(site: Site, redis: Connection) -> None:
    await run_campaign(site)
    await share(site)
    other = RoomId("00" + "S" * 26)
    await site.programme.schedule.add_show(a_show(other, host="p-host2", shop="shop"))
    refused = await site.ask("viewer", "POST", f"/api/rooms/{other}/share", {"device": "phone-viewer"})
    assert refused.json()["campaign"] is None
    assert await left_minor(site) == 1_000


async def test_a_spent_budget_promises_nothing(site: Site, redis: Connection) -> None:
    await run_campaign(site, budget_minor=500)
    assert await come(site, "friend", (await share(site))["grant"]) == "verified"
    assert (await share(site, "friend"))["campaign"] is None
    assert await wallet(redis, "friend") == []


async def test_a_coupon_that_lacks_money_waits_for_it(
    site: Site, redis: Connection, sql: AsyncEngine
) -> None:
    await run_campaign(site, budget_minor=500)
    first, second = await share(site), await share(site, "operator")
    await come(site, "friend", first["grant"])
    with pytest.raises(Conflict, match="budget_spent"):
        await come(site, "brand", second["grant"])
    assert await wallet(redis, "operator") == [("locked", 0)]
    async with sql.begin() as connection:
        await connection.execute(update(campaigns).values(budget_minor=1_000))
    assert await come(site, "brand", second["grant"]) == "verified"
    assert await wallet(redis, "operator") == [("active", 1)]


async def test_without_a_campaign_there_is_a_link_all_the_same(site: Site) -> None:
    link = await share(site)
    assert link["campaign"] is None
    assert await come(site, "friend", link["grant"]) == "verified"


async def test_only_people_with_an_account_share_and_only_open_shows(site: Site) -> None:
    path = f"/api/rooms/{ROOM}/share"
    assert (await site.ask(None, "POST", path, {})).status_code == 401
    await site.programme.schedule.show_ended(ROOM, 1)
    assert (await site.ask("viewer", "POST", path, {})).json()["error"]["code"] == "show_ended"
