"""The demo can be seeded again and again, and always has a show to start."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import verify_password
from livecommerce.adapters.redis_connection import Connection
from livecommerce.demo import goods as demo
from livecommerce.demo.seed import seed as seed_demo
from livecommerce.ids import RoomId, is_id
from tests.integration.programme import Site

NOON = 1_780_000_000_000
HOUR = 3_600_000
PICTURES = Path(__file__).parents[2] / "clients" / "web" / "public"


@pytest.fixture
def site(redis: Connection, sql: AsyncEngine) -> Site:
    return Site(redis, sql)


async def seed(site: Site, at_ms: int = NOON) -> RoomId:
    return await seed_demo(site.programme, lambda: at_ms, 16)


async def test_the_demo_has_a_show_now_and_two_to_come(site: Site) -> None:
    room = await seed(site)
    shows = await site.programme.schedule.unfinished()
    assert [show.phase for show in shows] == ["scheduled"] * 3
    assert shows[0].room == room
    assert len(await site.programme.live.look([show.room for show in shows])) == 3
    assert all(is_id(show.room) for show in shows)


async def test_a_brands_slot_is_given_and_another_one_waits(site: Site) -> None:
    room = await seed(site)
    states = {one.title["en"]: one.state for one in await site.programme.schedule.segments_of([room])}
    assert states == {"New spring tea from Lanxu": "confirmed", "Shade by shade": "requested"}
    shelf = [one.title["en"] for one in await site.programme.catalog.shelf(room)]
    assert shelf[0] == "Rain-or-shine umbrella"
    assert shelf[-1] == "High-mountain spring tea"


async def test_everybody_can_sign_in(site: Site) -> None:
    await seed(site)
    for login in ("viewer", "viewer2", "host", "brand", "merchant", "operator"):
        account = await site.programme.accounts.find_by_login(login)
        assert account is not None
        assert verify_password(demo.PASSWORD, account.password_hash)
    host = await site.programme.accounts.find_by_login("host")
    assert host is not None
    assert host.as_person().has_role("host", demo.MERCHANT)


async def test_both_kinds_of_campaign_run(site: Site) -> None:
    await seed(site)
    campaigns = await site.programme.campaigns.of_shop(demo.MERCHANT, NOON + HOUR)
    assert {one.kind for one in campaigns} == {"drop", "share"}


async def test_seeding_again_changes_nothing(site: Site) -> None:
    room = await seed(site)
    before = await site.programme.schedule.unfinished()
    assert await seed(site, NOON + HOUR) == room
    assert await site.programme.schedule.unfinished() == before


async def test_a_running_show_is_the_one_to_watch(site: Site) -> None:
    room = await seed(site)
    await site.programme.schedule.show_started(room, NOON)
    assert await seed(site, NOON + 5 * HOUR) == room


@pytest.mark.parametrize("hours", [3, 8, 25, 33, 100, 1000])
async def test_after_a_missed_or_ended_show_there_is_a_new_one(site: Site, hours: int) -> None:
    first = await seed(site)
    later = NOON + hours * HOUR
    room = await seed(site, later)
    show = await site.programme.schedule.show(room)
    assert room != first
    assert show.phase == "scheduled"
    assert show.starts_ms < later + 2 * HOUR < show.ends_ms + 2 * HOUR


async def test_a_show_that_somebody_planned_is_left_alone(site: Site) -> None:
    await seed(site)
    tomorrow = (await site.programme.schedule.unfinished())[1]
    await site.programme.schedule.show_ended(tomorrow.room, NOON)
    moved = replace(tomorrow, room=RoomId("00moved"), starts_ms=tomorrow.starts_ms + HOUR)
    await site.programme.schedule.add_show(moved)
    await seed(site, NOON + 24 * HOUR)
    assert moved in await site.programme.schedule.unfinished()


async def test_every_picture_exists(site: Site) -> None:
    await seed(site)
    shows = await site.programme.schedule.unfinished()
    goods = [*await site.programme.catalog.products_of(demo.MERCHANT)]
    goods += await site.programme.catalog.products_of(demo.BRAND)
    for path in (*(one.image for one in goods), *(show.cover for show in shows)):
        assert (PICTURES / path.removeprefix("/")).is_file(), path
