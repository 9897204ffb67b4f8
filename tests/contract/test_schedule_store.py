"""The schedule on both databases: races have one winner, overruns move what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Account
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_catalog import SqlCatalog
from livecommerce.adapters.sql_schedule import SqlSchedule
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.catalog import Product, Sku
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import ProductId, RoomId, SegmentId, ShopId, SkuId
from livecommerce.shop import Shop
from tests.schedules import MINUTE, a_segment, a_show

ROOM = RoomId("00room")
GOODS = {"tea": "brand", "pot": "brand", "oolong": "rival", "umbrella": "shop", "shoe": "stranger"}
CATEGORIES = {"tea": "tea", "oolong": "tea", "pot": "home", "umbrella": "rain", "shoe": "shoes"}


def product(name: str) -> Product:
    sku = Sku(sku=SkuId(f"{name}-1"), title={"en": "One"}, price_minor=1000, on_hand=1)
    return Product(
        product=ProductId(name),
        shop=ShopId(GOODS[name]),
        title={"en": name},
        image="",
        category=CATEGORIES[name],
        currency="CNY",
        skus=(sku,),
    )


@pytest.fixture
async def schedule(database: AsyncEngine) -> SqlSchedule:
    for shop in ("shop", "brand", "rival", "stranger"):
        await SqlShops(database).add(Shop(shop=ShopId(shop), name={"en": shop}), 1)
    for host in ("host", "host2"):
        account = Account(person=host, login=host, name=host, password_hash="x")
        await SqlAccounts(database, lambda: 1).add(account)
    for name in GOODS:
        await SqlCatalog(database).put(product(name), 1)
    store = SqlSchedule(database)
    await store.add_show(a_show())
    return store


async def states(schedule: SqlSchedule, room: RoomId = ROOM) -> dict[str, str]:
    return {one.segment: one.state for one in await schedule.segments_of([room])}


async def starts(schedule: SqlSchedule) -> dict[str, int]:
    return {one.segment: one.starts_ms // MINUTE for one in await schedule.segments_of([ROOM])}


async def confirm(schedule: SqlSchedule, *args: Any, **kwargs: Any) -> SegmentId:
    segment = a_segment(*args, **kwargs)
    await schedule.request(segment)
    await schedule.turn(segment.segment, "accept")
    return segment.segment


async def outcomes(*attempts: Awaitable[Any]) -> list[str]:
    """``ok`` or the code of the refusal, sorted."""
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Conflict):
            raise answer
    return sorted(answer.code if isinstance(answer, Conflict) else "ok" for answer in answers)


# ---------------------------------------------------------------- shows


async def test_a_show_is_read_as_it_was_added(schedule: SqlSchedule) -> None:
    assert await schedule.show(ROOM) == a_show()
    assert await schedule.shows_between(119 * MINUTE, 200 * MINUTE) == [a_show()]
    assert await schedule.shows_between(120 * MINUTE, 200 * MINUTE) == []
    with pytest.raises(NotFound):
        await schedule.show(RoomId("nothing"))


async def test_adding_a_show_twice_adds_it_once(schedule: SqlSchedule) -> None:
    await schedule.add_show(replace(a_show(), title={"en": "Another"}))
    assert await schedule.unfinished() == [a_show()]


async def test_of_two_shows_of_a_host_at_a_time_one_is_planned(schedule: SqlSchedule) -> None:
    one, two = a_show("00one", host="host2"), a_show("00two", host="host2", starts=60)
    assert await outcomes(schedule.add_show(one), schedule.add_show(two)) == ["host_booked", "ok"]


# ---------------------------------------------------------------- requests and answers


async def test_a_request_is_read_as_it_was_made(schedule: SqlSchedule) -> None:
    wanted = a_segment("a", 10, 20, products=("pot", "tea", "umbrella"))
    await schedule.request(wanted)
    assert await schedule.segment(SegmentId("a")) == wanted
    assert await schedule.segments_of_brand(ShopId("brand")) == [wanted]


async def test_products_of_strangers_are_not_shown(schedule: SqlSchedule) -> None:
    with pytest.raises(NotFound, match="product_not_found"):
        await schedule.request(a_segment("a", 10, 20, products=("tea", "shoe")))


async def test_a_request_for_a_taken_slot_is_refused_at_once(schedule: SqlSchedule) -> None:
    await confirm(schedule, "a", 10, 20)
    with pytest.raises(Conflict, match="slot_taken"):
        await schedule.request(a_segment("b", 15, 25, brand="stranger", products=("shoe",)))


async def test_declining_keeps_the_reason(schedule: SqlSchedule) -> None:
    await schedule.request(a_segment("a", 10, 20))
    before, after = await schedule.turn(SegmentId("a"), "decline", "Not this evening")
    assert (before.state, after.state, after.reason) == ("requested", "declined", "Not this evening")
    assert await schedule.segment(SegmentId("a")) == after
    with pytest.raises(Conflict, match="segment_state"):
        await schedule.turn(SegmentId("a"), "accept")


async def test_booked_products_stand_on_the_shelf(schedule: SqlSchedule, database: AsyncEngine) -> None:
    catalog = SqlCatalog(database)
    await catalog.set_shelf(ROOM, [ProductId("umbrella")])
    segment = await confirm(schedule, "a", 10, 20, products=("tea", "umbrella"))
    assert [one.product for one in await catalog.shelf(ROOM)] == ["umbrella", "tea"]
    await schedule.turn(segment, "cancel")
    assert [one.product for one in await catalog.shelf(ROOM)] == ["umbrella"]


# ---------------------------------------------------------------- races


async def test_one_slot_accepted_for_two_brands_at_once_is_given_to_one(schedule: SqlSchedule) -> None:
    await schedule.request(a_segment("a", 10, 20))
    await schedule.request(a_segment("b", 15, 25, brand="stranger", products=("shoe",)))
    accepts = [schedule.turn(SegmentId(name), "accept") for name in "ab"]
    assert await outcomes(*accepts) == ["ok", "slot_taken"]
    assert sorted((await states(schedule)).values()) == ["confirmed", "requested"]


async def test_two_hosts_who_accept_one_brand_at_once_have_it_once(schedule: SqlSchedule) -> None:
    await schedule.add_show(a_show("00two", host="host2"))
    for round_ in range(5):
        names = [f"{round_}a", f"{round_}b"]
        for name, room in zip(names, ("00room", "00two"), strict=True):
            product = "tea" if room == "00room" else "pot"
            slot = (round_ * 20, round_ * 20 + 10)
            await schedule.request(a_segment(name, *slot, room=room, products=(product,)))
        accepts = [schedule.turn(SegmentId(name), "accept") for name in names]
        assert await outcomes(*accepts) == ["brand_booked", "ok"]


async def test_two_hosts_who_accept_one_product_at_once_have_it_once(schedule: SqlSchedule) -> None:
    await schedule.add_show(a_show("00two", host="host2"))
    await schedule.request(a_segment("a", 10, 20, products=("tea", "umbrella")))
    await schedule.request(a_segment("b", 10, 20, room="00two", brand="stranger", products=("umbrella",)))
    accepts = [schedule.turn(SegmentId(name), "accept") for name in "ab"]
    assert await outcomes(*accepts) == ["ok", "product_booked"]


async def test_accepting_and_canceling_at_once_leaves_one_of_both(schedule: SqlSchedule) -> None:
    await schedule.request(a_segment("a", 10, 20))
    answers = await outcomes(
        schedule.turn(SegmentId("a"), "decline"), schedule.turn(SegmentId("a"), "accept")
    )
    assert answers == ["ok", "segment_state"]


async def test_rivals_are_kept_apart_when_they_are_accepted(schedule: SqlSchedule) -> None:
    await schedule.request(a_segment("b", 25, 30, brand="rival", products=("oolong",)))
    await confirm(schedule, "a", 10, 20)
    with pytest.raises(Conflict, match="rival_booked"):
        await schedule.turn(SegmentId("b"), "accept")


# ---------------------------------------------------------------- the run of the show


async def test_a_late_start_moves_the_segments_and_the_end_once(schedule: SqlSchedule) -> None:
    await confirm(schedule, "a", 10, 20)
    await schedule.request(a_segment("b", 40, 50))
    assert await schedule.show_started(ROOM, 5 * MINUTE)
    assert not await schedule.show_started(ROOM, 7 * MINUTE)
    show = await schedule.show(ROOM)
    assert (show.phase, show.started_ms, show.ends_ms) == ("live", 5 * MINUTE, 125 * MINUTE)
    assert await starts(schedule) == {"a": 15, "b": 45}


async def test_an_early_start_moves_nothing(schedule: SqlSchedule) -> None:
    late = a_show("00late", host="host2", starts=600)
    await schedule.add_show(late)
    await schedule.show_started(late.room, 590 * MINUTE)
    assert (await schedule.show(late.room)).ends_ms == late.ends_ms


async def test_a_segment_on_air_late_keeps_its_length_and_moves_what_follows(schedule: SqlSchedule) -> None:
    first = await confirm(schedule, "a", 10, 20)
    await confirm(schedule, "b", 22, 32, products=("pot",))
    await schedule.put_on_air(first, 15 * MINUTE, 25 * MINUTE)
    await schedule.put_on_air(first, 99 * MINUTE, 109 * MINUTE)
    assert await starts(schedule) == {"a": 15, "b": 25}
    assert await states(schedule) == {"a": "on_air", "b": "confirmed"}


async def test_more_time_moves_what_follows_and_the_end_of_the_show(schedule: SqlSchedule) -> None:
    first = await confirm(schedule, "a", 100, 110)
    await confirm(schedule, "b", 110, 120, products=("pot",))
    await schedule.put_on_air(first, 100 * MINUTE, 110 * MINUTE)
    before, after = await schedule.extend(first, 5 * MINUTE, "k")
    assert after.ends_ms - before.ends_ms == 5 * MINUTE
    assert await starts(schedule) == {"a": 100, "b": 115}
    assert (await schedule.show(ROOM)).ends_ms == 125 * MINUTE


async def test_the_same_key_gives_more_time_once(schedule: SqlSchedule) -> None:
    first = await confirm(schedule, "a", 100, 110)
    await schedule.put_on_air(first, 100 * MINUTE, 110 * MINUTE)
    answers = await asyncio.gather(*(schedule.extend(first, 5 * MINUTE, "k") for _ in range(3)))
    assert {after.ends_ms for _, after in answers} == {115 * MINUTE}
    assert sum(before != after for before, after in answers) == 1
    with pytest.raises(Conflict, match="key_reused"):
        await schedule.extend(first, 6 * MINUTE, "k")
    await schedule.finish(first)
    assert (await schedule.extend(first, 5 * MINUTE, "k"))[1].state == "done"
    with pytest.raises(Conflict, match="segment_state"):
        await schedule.extend(first, 5 * MINUTE, "another")
    with pytest.raises(Conflict, match="segment_state"):  # what was refused has not taken the key
        await schedule.extend(first, 5 * MINUTE, "another")


async def test_finishing_twice_finishes_once(schedule: SqlSchedule) -> None:
    segment = await confirm(schedule, "a", 10, 20)
    await schedule.finish(segment)
    assert await states(schedule) == {"a": "confirmed"}
    await schedule.put_on_air(segment, 10 * MINUTE, 20 * MINUTE)
    await schedule.finish(segment)
    await schedule.finish(segment)
    assert await states(schedule) == {"a": "done"}


async def test_the_end_of_a_show_ends_its_segments(schedule: SqlSchedule) -> None:
    await schedule.put_on_air(await confirm(schedule, "a", 10, 20), 10 * MINUTE, 20 * MINUTE)
    await confirm(schedule, "b", 30, 40)
    await schedule.request(a_segment("c", 50, 60))
    await schedule.show_started(ROOM, 0)
    assert await schedule.show_ended(ROOM, 15 * MINUTE)
    assert not await schedule.show_ended(ROOM, 16 * MINUTE)
    assert await states(schedule) == {"a": "done", "b": "canceled", "c": "canceled"}
    assert await schedule.unfinished() == []
    assert [show.ended_ms for show in await schedule.last_ended(5)] == [15 * MINUTE]
