"""Planning a show and agreeing on a brand's segment, over the HTTP API on real stores."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Any

import jwt
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.redis_connection import Connection
from livecommerce.clock import now_ms
from livecommerce.coupon import Campaign
from livecommerce.errors import NotFound
from livecommerce.gateway.stockroom import Stockroom
from livecommerce.ids import CampaignId, ShopId, SkuId
from livecommerce.room import room as rules
from livecommerce.room import stage
from livecommerce.room.cards import PersonCard
from livecommerce.room.live import LiveRoom
from livecommerce.room.plan import product_card
from livecommerce.room.presence import Attendance
from livecommerce.room.room import Decide
from tests.integration.programme import Site, product

HOUR = 3_600_000
MINUTE = 60_000


@pytest.fixture
async def site(redis: Connection, sql: AsyncEngine) -> Site:
    site = Site(redis, sql)
    await site.prepare()
    return site


async def plan(site: Site, person: str = "host", starts_ms: int | None = None) -> str:
    body = {
        "title": {"zh-CN": "晚场", "en": "Evening"},
        "starts_ms": now_ms() + HOUR if starts_ms is None else starts_ms,
        "time_zone": "Asia/Shanghai",
    }
    answer = await site.ask(person, "POST", "/api/rooms", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["room"])


async def slot(site: Site, room: str, **changes: Any) -> dict[str, Any]:
    show = (await site.ask(None, "GET", f"/api/rooms/{room}")).json()
    return {
        "room": room,
        "brand": "brand",
        "kind": "brand",
        "title": {"en": "Tea"},
        "starts_ms": show["starts_ms"] + 10 * MINUTE,
        "ends_ms": show["starts_ms"] + 20 * MINUTE,
        "products": ["tea"],
        "commission_ppm": 150_000,
        "note": "First flush",
        **changes,
    }


async def start(site: Site, room: str) -> None:
    live = LiveRoom(await site.rooms.load(room), site.rooms, lambda _: None, lambda: None)
    await live.command(lambda state: rules.start_show(state, 5))
    card = product_card(product("umbrella", "shop"))
    await live.command(lambda state: rules.pin(state, card, 6))


# ---------------------------------------------------------------- shows


async def test_a_host_plans_a_show_and_everybody_sees_it(site: Site) -> None:
    room = await plan(site)
    [row] = (await site.ask(None, "GET", "/api/rooms")).json()["rooms"]
    assert (row["room"], row["phase"], row["shop_name"]) == (room, "scheduled", {"en": "shop"})
    assert row["host"] == {"person": "p-host", "name": "Host", "role": "host"}
    assert (row["pinned"], row["sale"], row["viewers"]) == (None, None, 0)


async def test_a_live_show_comes_first_with_its_numbers(site: Site) -> None:
    await plan(site, "host2")
    room = await plan(site, "host", now_ms() + 2 * HOUR)
    await start(site, room)
    await site.rooms.beat("node", {room: Attendance(12, 3)})
    first = (await site.ask(None, "GET", "/api/rooms")).json()["rooms"][0]
    assert (first["room"], first["phase"], first["viewers"], first["likes"]) == (room, "live", 12, 3)
    assert first["pinned"]["product"] == "umbrella"


async def test_only_hosts_plan_shows(site: Site) -> None:
    body = {"title": {"en": "x"}, "starts_ms": now_ms(), "time_zone": "UTC"}
    for person, status in (("viewer", 403), ("brand", 403), (None, 401)):
        assert (await site.ask(person, "POST", "/api/rooms", body)).status_code == status


async def test_a_host_cannot_be_in_two_shows_at_once(site: Site) -> None:
    await plan(site, starts_ms=now_ms() + HOUR)
    body = {"title": {"en": "x"}, "starts_ms": now_ms() + 2 * HOUR, "time_zone": "UTC"}
    refused = await site.ask("host", "POST", "/api/rooms", body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "host_booked")


async def test_a_show_tells_who_may_run_it(site: Site) -> None:
    room = await plan(site)
    may = {
        person: (await site.ask(person, "GET", f"/api/rooms/{room}")).json()["may"]
        for person in ("host", "host2", "viewer", "operator", None)
    }
    assert may["host"] == may["operator"] == {"host": True, "moderate": True}
    assert may["host2"] == may["viewer"] == may[None] == {"host": False, "moderate": False}
    assert (await site.ask(None, "GET", "/api/rooms/nothing")).status_code == 404


async def test_a_shelf_begins_with_the_shops_products_and_can_be_changed(site: Site) -> None:
    room = await plan(site)
    [row] = (await site.ask(None, "GET", f"/api/rooms/{room}/shelf")).json()["products"]
    assert (row["product"], row["category"]) == ("umbrella", "umbrella")
    assert row["stock"] == [{"sku": "umbrella-1", "on_hand": 7}]
    path = f"/api/rooms/{room}/shelf"
    assert (await site.ask("host", "PUT", path, {"products": []})).json() == {"products": []}
    assert (await site.ask("host", "PUT", path, {"products": ["tea"]})).status_code == 404
    assert (await site.ask("host2", "PUT", path, {"products": []})).status_code == 403
    assert [entry.action for entry in await site.audit.of_subject(room)] == ["shelf.set", "show.create"]


async def test_only_the_host_gets_a_key_to_publish(site: Site) -> None:
    room = await plan(site)
    keys = {
        person: (await site.ask(person, "GET", f"/api/rooms/{room}/media?seat=host")).json()
        for person in ("host", "viewer", None)
    }
    assert keys["viewer"]["whip_token"] is None
    assert keys[None]["whip_url"] is None
    assert keys["host"]["whip_url"] == f"http://media.test/whip/{room}/host"
    assert keys["host"]["check_url"] == f"http://media.test/check/{room}/host"
    stun, turn = keys[None]["ice_servers"]
    assert stun == {"urls": "stun:s.test"}
    assert (turn["urls"], turn["username"]) == ("turn:t.test?transport=udp", "43205:page")
    assert turn["credential"] == b64encode(hmac.digest(b"turn key", b"43205:page", "sha1")).decode()
    claims = jwt.decode(keys["host"]["whip_token"], options={"verify_signature": False})
    assert (claims["grant"], claims["seat"], claims["room"]) == ("publish", "host", room)
    claims = jwt.decode(keys[None]["whep_token"], options={"verify_signature": False})
    assert (claims["grant"], claims["room"]) == ("subscribe", room)
    assert (await site.ask("host", "GET", f"/api/rooms/{room}/media?seat=../x")).status_code == 422


async def test_a_guest_has_a_key_to_publish_while_they_hold_the_seat(site: Site) -> None:
    room = await plan(site)

    async def whip_url() -> str | None:
        keys = (await site.ask("friend", "GET", f"/api/rooms/{room}/media?seat=guest-1")).json()
        return keys["whip_url"]  # type: ignore[no-any-return]

    assert await whip_url() is None
    friend = PersonCard(person="p-friend", name="Friend", role="viewer")
    await change(site, room, lambda state: stage.give_seat(state, friend, 1))
    assert await whip_url() == f"http://media.test/whip/{room}/guest-1"
    await change(site, room, lambda state: stage.vacate_seat(state, "guest-1", 2))
    assert await whip_url() is None


async def change(site: Site, room: str, decide: Decide) -> None:
    live = LiveRoom(await site.rooms.load(room), site.rooms, lambda _: None, lambda: None)
    await live.command(decide)


async def test_a_host_sees_the_campaigns_that_run(site: Site) -> None:
    room = await plan(site)
    campaign = Campaign(
        campaign=CampaignId("c"),
        shop=ShopId("shop"),
        kind="drop",
        title={"en": "5 off"},
        funder="merchant",
        discount_minor=500,
        threshold_minor=3000,
        currency="CNY",
        budget_minor=10_000,
        lent_minor=0,
        per_person=1,
        arrivals_needed=0,
        starts_ms=0,
        ends_ms=now_ms() + HOUR,
    )
    await site.programme.campaigns.add(campaign)
    await site.programme.campaigns.lend(CampaignId("c"), "t", 1000, 1)
    [row] = (await site.ask("host", "GET", f"/api/rooms/{room}/campaigns")).json()["campaigns"]
    assert (row["kind"], row["budget_minor"], row["left_minor"]) == ("drop", 10_000, 9_000)
    assert (await site.ask("viewer", "GET", f"/api/rooms/{room}/campaigns")).status_code == 403


# ---------------------------------------------------------------- segments


async def test_a_brand_asks_and_the_host_accepts(site: Site) -> None:
    room = await plan(site)
    asked = await site.ask("brand", "POST", "/api/segments", await slot(site, room))
    assert asked.status_code == 201, asked.text
    row = asked.json()
    assert (row["state"], row["brand_name"], row["note"]) == ("requested", {"en": "brand"}, "First flush")
    assert row["products"][0]["product"] == "tea"
    assert row["may"] == {"accept": False, "decline": False, "cancel": True, "extend": False}
    path = f"/api/segments/{row['segment']}"
    assert (await site.ask("brand", "POST", f"{path}/accept")).status_code == 403
    assert (await site.ask("viewer", "POST", f"{path}/accept")).status_code == 404
    assert (await site.ask("host", "POST", f"{path}/accept")).json()["state"] == "confirmed"
    assert (await site.ask("host", "POST", f"{path}/accept")).status_code == 409
    shelf = (await site.ask(None, "GET", f"/api/rooms/{room}/shelf")).json()["products"]
    assert [one["product"] for one in shelf] == ["umbrella", "tea"]
    actions = [entry.action for entry in await site.audit.of_subject(row["segment"])]
    assert actions == ["segment.accept", "segment.request"]


async def test_a_taken_slot_is_refused_with_its_reason(site: Site) -> None:
    room = await plan(site)
    first = (await site.ask("brand", "POST", "/api/segments", await slot(site, room))).json()
    await site.ask("host", "POST", f"/api/segments/{first['segment']}/accept")
    refused = await site.ask("brand", "POST", "/api/segments", await slot(site, room, products=["pot"]))
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "slot_taken")
    late = await slot(site, room, ends_ms=first["ends_ms"] + 5 * HOUR, starts_ms=first["ends_ms"])
    assert (await site.ask("brand", "POST", "/api/segments", late)).json()["error"]["code"] == "outside_show"


async def test_nobody_asks_for_a_brand_that_is_not_theirs(site: Site) -> None:
    room = await plan(site)
    for person, status in (("viewer", 403), ("host", 403), (None, 401)):
        asked = await site.ask(person, "POST", "/api/segments", await slot(site, room))
        assert asked.status_code == status


async def test_a_commission_that_no_order_could_carry_is_refused(site: Site) -> None:
    room = await plan(site)
    asked = await site.ask("brand", "POST", "/api/segments", await slot(site, room, commission_ppm=700_000))
    assert asked.status_code == 422
    assert asked.json()["error"] == {"code": "commission_too_high", "params": {"max": 69}, "temporary": False}


async def test_a_declined_request_tells_the_brand_why(site: Site) -> None:
    room = await plan(site)
    row = (await site.ask("brand", "POST", "/api/segments", await slot(site, room))).json()
    path = f"/api/segments/{row['segment']}/decline"
    answer = (await site.ask("host", "POST", path, {"reason": "Full"})).json()
    assert (answer["state"], answer["reason"]) == ("declined", "Full")


async def test_strangers_see_what_is_booked_without_its_terms(site: Site) -> None:
    room = await plan(site)
    row = (await site.ask("brand", "POST", "/api/segments", await slot(site, room))).json()

    async def seen(person: str | None) -> list[tuple[str, int, str]]:
        [show] = (await site.ask(person, "GET", "/api/schedule")).json()["shows"]
        return [(one["state"], one["commission_ppm"], one["note"]) for one in show["segments"]]

    assert await seen("viewer") == []
    assert await seen("host") == [("requested", 150_000, "First flush")]
    await site.ask("host", "POST", f"/api/segments/{row['segment']}/accept")
    assert await seen("viewer") == await seen(None) == [("confirmed", 0, "")]


async def test_the_schedule_knows_what_is_ones_own(site: Site) -> None:
    room = await plan(site)
    mine = (await site.ask("brand", "GET", "/api/schedule")).json()
    assert [one["shop"] for one in mine["my_brands"]] == ["brand"]
    assert (await site.ask("host", "GET", "/api/schedule")).json()["my_hosting"] == [room]
    far = f"/api/schedule?from_ms={now_ms() + 50 * HOUR}&to_ms={now_ms() + 60 * HOUR}"
    assert (await site.ask("host", "GET", far)).json()["shows"] == []
    assert (await site.ask(None, "GET", "/api/schedule?from_ms=5&to_ms=1")).status_code == 422


async def test_a_brand_subscribes_to_its_segments(site: Site) -> None:
    room = await plan(site)
    await site.ask("brand", "POST", "/api/segments", await slot(site, room))
    [mine] = (await site.ask("brand", "GET", "/api/schedule")).json()["my_brands"]
    calendar = await site.ask(None, "GET", mine["calendar_url"])
    assert calendar.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "SUMMARY:Tea\r\n" in calendar.text
    assert "STATUS:TENTATIVE\r\n" in calendar.text
    assert (await site.ask(None, "GET", "/api/schedule/brand.ics?token=wrong")).status_code == 404


async def test_a_brands_products_are_for_its_people(site: Site) -> None:
    found = (await site.ask("brand", "GET", "/api/brands/brand/products")).json()["products"]
    assert sorted(one["product"] for one in found) == ["pot", "tea"]
    assert (await site.ask("viewer", "GET", "/api/brands/brand/products")).status_code == 403


async def test_only_what_is_on_air_gets_more_time(site: Site) -> None:
    room = await plan(site)
    row = (await site.ask("brand", "POST", "/api/segments", await slot(site, room))).json()
    path = f"/api/segments/{row['segment']}"
    await site.ask("host", "POST", f"{path}/accept")
    assert (await site.ask("host", "POST", f"{path}/extend", {"minutes": 5})).status_code == 409
    await site.programme.schedule.put_on_air(row["segment"], row["starts_ms"], row["ends_ms"])
    assert (await site.ask("brand", "POST", f"{path}/extend", {"minutes": 5})).status_code == 403
    for _ in range(2):
        longer = (await site.ask("host", "POST", f"{path}/extend", {"minutes": 5, "key": "k"})).json()
        assert longer["ends_ms"] == row["ends_ms"] + 5 * MINUTE
    other = await site.ask("host", "POST", f"{path}/extend", {"minutes": 6, "key": "k"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "key_reused")
    without_key = (await site.ask("host", "POST", f"{path}/extend", {"minutes": 5})).json()
    assert without_key["ends_ms"] == row["ends_ms"] + 10 * MINUTE


async def test_a_show_is_planned_in_our_times(site: Site) -> None:
    body = {"title": {"en": "x"}, "time_zone": "UTC"}
    for starts_ms in (0, now_ms() - 25 * HOUR, now_ms() + 800 * 24 * HOUR, 253_402_214_399_999):
        refused = await site.ask("host", "POST", "/api/rooms", {**body, "starts_ms": starts_ms})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_time")
    far = await site.ask("host", "POST", "/api/rooms", {**body, "starts_ms": now_ms() + 700 * 24 * HOUR})
    assert far.status_code == 201


# ---------------------------------------------------------------- what the host may sell


async def test_a_brands_product_is_sold_at_the_terms_of_its_segment(site: Site) -> None:
    room = await plan(site)
    stockroom = Stockroom(site.programme.catalog, site.programme.schedule)
    row = (await site.ask("brand", "POST", "/api/segments", await slot(site, room))).json()
    with pytest.raises(NotFound, match="product_not_on_shelf"):
        await stockroom.find_on_shelf(room, SkuId("tea-1"))
    await site.ask("host", "POST", f"/api/segments/{row['segment']}/accept")
    tea, card = await stockroom.find_on_shelf(room, SkuId("tea-1"))
    assert (tea.product, card.product) == ("tea", "tea")
    assert await stockroom.brand_ppm(room, tea) == 150_000
    assert await stockroom.brand_ppm(room, product("umbrella", "shop")) == 0
