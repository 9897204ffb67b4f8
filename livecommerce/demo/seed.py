"""Seeding: idempotent, for every id follows from a name, and what is there already is left as it is.

A show that nobody started in time is closed and a new one is planned: there is always one to start now.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import asdict

from livecommerce.accounts import Account, hash_password
from livecommerce.addresses import AddressBooks, AddressId, BookedAddress
from livecommerce.clock import Clock
from livecommerce.demo.goods import (
    ADDRESS,
    BRAND,
    BRAND_PERSON,
    GOODS,
    HOST,
    MERCHANT,
    PASSWORD,
    PEOPLE,
    POLICIES,
    SHOPS,
    campaigns,
    demo_id,
    product_id,
)
from livecommerce.errors import Conflict, NotFound
from livecommerce.gateway.programme import Programme
from livecommerce.ids import PersonId, RoomId, SegmentId, named_id, pick_shard
from livecommerce.localized import LocalText
from livecommerce.room.plan import room_of
from livecommerce.schedule.segment import Segment
from livecommerce.schedule.show import DEFAULT_MS, MINUTE_MS, Show
from livecommerce.shop import Policies

ZONE = "Asia/Shanghai"

COMING: tuple[tuple[int, LocalText, str], ...] = (
    (1, {"zh-CN": "雨季好物专场", "en": "Rainy-season favourites"}, "/demo/cover-2.svg"),
    (3, {"zh-CN": "周末茶会", "en": "Weekend tea party"}, "/demo/cover-3.svg"),
)
"""Days from now, title, cover."""


async def seed(programme: Programme, clock: Clock, shards: int) -> RoomId:
    """Brings the demo up to date; answers the room of the show that can be started, or is on, now."""
    now_ms = clock()
    for shop in SHOPS:
        await programme.shops.add(shop, now_ms)
    await _add_people(programme)
    for position, product in enumerate(GOODS):
        await programme.catalog.put(product, now_ms + position)
    for campaign in campaigns(now_ms):
        await programme.campaigns.add(campaign)
    current = await _current_show(programme, now_ms, shards)
    for days, title, cover in COMING:
        starts_ms = _evening_ms(now_ms, days)
        await _plan(programme, _show(str(starts_ms), title, cover, starts_ms, now_ms, shards))
    return current.room


async def seed_promises(policies: Policies, books: AddressBooks, clock: Clock) -> None:
    """Gives the demo's shops their policies, and its buyers an address."""
    for shop, policy in POLICIES.items():
        await policies.set_policy(shop, policy)
    for login in ("viewer", "viewer2"):
        person = PersonId(demo_id("person", login))
        if not await books.of_person(person):
            address = AddressId(demo_id("address", login))
            booked = BookedAddress(**asdict(ADDRESS), address=address, is_default=True)
            await books.put(person, booked, clock())


async def _add_people(programme: Programme) -> None:
    for login, (name, roles) in PEOPLE.items():
        if await programme.accounts.find_by_login(login) is None:
            hashed = hash_password(PASSWORD)
            person = demo_id("person", login)
            await programme.accounts.add(
                Account(person=person, login=login, name=name, password_hash=hashed, roles=roles)
            )


# ---------------------------------------------------------------- shows


async def _current_show(programme: Programme, now_ms: int, shards: int) -> Show:
    """The host's show that is on or can be started now; one that was missed makes place for a new one."""
    for show in await programme.schedule.unfinished():
        if show.host == HOST and show.phase == "scheduled" and show.ends_ms <= now_ms:
            await programme.schedule.show_ended(show.room, now_ms)
        elif show.host == HOST and (show.phase == "live" or show.starts_ms < now_ms + DEFAULT_MS):
            return show
    title = {"zh-CN": "今晚不打烊：好物与好茶", "en": "Open late: good things and good tea"}
    show = _show(f"now:{now_ms}", title, "/demo/cover-1.svg", now_ms, now_ms, shards)
    await _plan(programme, show)
    await _ask_for_slots(programme, show, now_ms)
    return show


def _show(key: str, title: LocalText, cover: str, starts_ms: int, now_ms: int, shards: int) -> Show:
    return Show(
        room=RoomId(named_id(pick_shard(key, shards), "demo", "show", key)),
        shop=MERCHANT,
        host=HOST,
        title=title,
        cover=cover,
        phase="scheduled",
        starts_ms=starts_ms,
        ends_ms=starts_ms + DEFAULT_MS,
        time_zone=ZONE,
        created_ms=now_ms,
    )


def _evening_ms(now_ms: int, days: int) -> int:
    """Eight in the evening, that many days from now, where the demo's host is."""
    today = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(ZONE)).date()
    evening = datetime.combine(today + timedelta(days=days), time(20), ZoneInfo(ZONE))
    return int(evening.timestamp() * 1000)


async def _plan(programme: Programme, show: Show) -> None:
    try:
        await programme.schedule.show(show.room)
    except NotFound:
        try:
            await programme.schedule.add_show(show)
        except Conflict:
            return  # somebody has planned another show for the demo's host
        own = [product.product for product in GOODS if product.shop == show.shop]
        await programme.catalog.set_shelf(show.room, own)
    await programme.rooms.create(room_of(show, PEOPLE["host"][0]))


async def _ask_for_slots(programme: Programme, show: Show, now_ms: int) -> None:
    """One slot that the host has given, three minutes into the show, and one that waits for an answer."""
    tea = _slot(show, "tea", {"zh-CN": "岚序春茶上新", "en": "New spring tea from Lanxu"}, 3, 11, now_ms)
    lipstick = _slot(show, "lipstick", {"zh-CN": "试色时间", "en": "Shade by shade"}, 40, 55, now_ms)
    for segment in (tea, lipstick):
        await programme.schedule.request(segment)
    await programme.schedule.turn(tea.segment, "accept")


def _slot(show: Show, name: str, title: LocalText, starts: int, ends: int, now_ms: int) -> Segment:
    return Segment(
        segment=SegmentId(demo_id("segment", show.room, name)),
        room=show.room,
        brand=BRAND,
        kind="brand",
        state="requested",
        title=title,
        starts_ms=show.starts_ms + starts * MINUTE_MS,
        ends_ms=show.starts_ms + ends * MINUTE_MS,
        commission_ppm=200_000,
        products=(product_id(name),),
        note="",
        reason="",
        requested_by=BRAND_PERSON,
        created_ms=now_ms,
    )
