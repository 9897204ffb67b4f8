"""Budgets and grants on the real server."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.clock import now_ms
from livecommerce.coupon import GrantCard, LockedGrant
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import GrantId, OrderId, PersonId, RoomId, Shard, new_id, pick_shard
from livecommerce.orders import ConfirmedOrder
from tests.selling import PRICE, SHARD, SHARDS, Shop


@pytest.fixture
async def shop(anywhere: Connection) -> Shop:
    shop = Shop(anywhere)
    await shop.open_room()
    return shop


async def budget(shop: Shop) -> tuple[int, int, int]:
    """Available, reserved and spent, after every law was checked."""
    audit = await shop.coupons.audit(shop.room, shop.campaign)
    assert audit.violations() == []
    return audit.available, audit.reserved, audit.spent


async def wallet(shop: Shop, person: str) -> list[GrantCard]:
    """What a person's join would show."""
    records: Any = await shop.redis.hgetall(f"{tag(SHARD)}:mine:{shop.room}:{person}")
    grants = [record for name, record in records.items() if name.startswith(b"grant:")]
    return [msgspec.json.decode(record, type=GrantCard) for record in grants]


async def locked_grant(shop: Shop, owner: str, needed: int, *, per_person: int = 1) -> GrantCard:
    return await shop.coupons.create_locked(
        LockedGrant(
            grant=GrantId(new_id(shop.shard)),
            room=shop.room,
            owner=PersonId(owner),
            summary=msgspec.structs.replace(shop.summary(), arrivals_needed=needed),
            funder="platform",
            per_person=per_person,
        )
    )


async def arrive(shop: Shop, grant: GrantCard, person: str, lent_minor: int = 0) -> str:
    return (await shop.coupons.count_arrival(GrantId(grant.grant), PersonId(person), lent_minor))[1]


async def test_a_transfer_funds_a_budget_once(shop: Shop) -> None:
    for _ in range(2):
        await shop.coupons.allot(shop.room, shop.campaign, "transfer-1", 5_000, now_ms() + 60_000)
    assert await budget(shop) == (5_000, 0, 0)


async def test_a_transfer_of_another_amount_is_refused(shop: Shop) -> None:
    await shop.coupons.allot(shop.room, shop.campaign, "transfer-1", 5_000, now_ms() + 60_000)
    with pytest.raises(Conflict, match="key_reused"):
        await shop.coupons.allot(shop.room, shop.campaign, "transfer-1", 6_000, now_ms() + 60_000)
    assert await budget(shop) == (5_000, 0, 0)


async def test_what_is_left_of_a_campaign_goes_back_once_when_it_is_over(shop: Shop) -> None:
    await shop.fund(5_000)
    await shop.coupons.sweep(SHARD, 100)
    assert await budget(shop) == (5_000, 0, 0)
    sale = await shop.open_sale(5, limit=5)
    await shop.sell(sale, "ann", grant=(await shop.claim(await shop.drop(1), "ann")).grant)
    held = await shop.claim(await shop.drop(1), "bob")
    order = (await shop.buy(sale, "bob", grant=held.grant)).order.order
    await shop.redis.zadd(f"{tag(SHARD)}:budget_ends", {shop.campaign: 0})
    await shop.coupons.sweep(SHARD, 100)
    assert await shop.told("budget.") == []  # an open order keeps a coupon
    await shop.orders.cancel(OrderId(order), PersonId("bob"))
    await shop.redis.hset(f"{tag(SHARD)}:grant:{held.grant}", "ends_ms", "0")
    await shop.redis.zadd(f"{tag(SHARD)}:grant_expiry", {held.grant: 0})
    await shop.redis.zadd(f"{tag(SHARD)}:budget_ends", {shop.campaign: 0})
    for _ in range(2):
        await shop.coupons.sweep(SHARD, 100)
    [record] = await shop.told("budget.returned")
    assert msgspec.json.decode(record.data)["amount_minor"] == 4_000
    assert await budget(shop) == (0, 0, 1_000)


async def test_a_claim_reserves_its_worth_and_lies_in_the_wallet(shop: Shop) -> None:
    await shop.fund(5_000)
    card = await shop.claim(await shop.drop(2), "ann")
    assert card.state == "active"
    assert await wallet(shop, "ann") == [card]
    assert await budget(shop) == (4_000, 1_000, 0)


async def test_claiming_twice_answers_the_same_grant(shop: Shop) -> None:
    await shop.fund(5_000)
    drop = await shop.drop(2)
    assert (await shop.claim(drop, "ann")).grant == (await shop.claim(drop, "ann")).grant
    assert await budget(shop) == (4_000, 1_000, 0)


async def test_a_drop_has_no_more_coupons_than_it_says(shop: Shop) -> None:
    await shop.fund(5_000)
    drop = await shop.drop(1)
    await shop.claim(drop, "ann")
    with pytest.raises(Conflict, match="coupons_gone"):
        await shop.claim(drop, "bob")


async def test_a_person_has_no_more_of_a_campaign_than_allowed(shop: Shop) -> None:
    await shop.fund(5_000)
    await shop.claim(await shop.drop(1), "ann")
    with pytest.raises(Conflict, match="coupon_limit_reached"):
        await shop.claim(await shop.drop(1), "ann")


async def test_a_person_has_no_more_of_a_campaign_than_allowed_across_shards(
    shop: Shop, anywhere: Connection
) -> None:
    other = Shop(anywhere, RoomId(new_id(Shard("01"))))
    await other.open_room()
    await shop.fund(5_000)
    await other.fund(5_000)
    await shop.claim(await shop.drop(1), "ann")
    with pytest.raises(Conflict, match="coupon_limit_reached"):
        await other.claim(await other.drop(1), "ann")
    with pytest.raises(Conflict, match="coupon_limit_reached"):
        await locked_grant(other, "ann", needed=1)
    assert await budget(other) == (5_000, 0, 0)


async def test_taps_in_two_rooms_at_once_take_one_place(shop: Shop, anywhere: Connection) -> None:
    other = Shop(anywhere, RoomId(new_id(Shard("01"))))
    await other.open_room()
    rooms = (shop, other)
    for room in rooms:
        await room.fund(5_000)
    taps = [room.claim(await room.drop(1), "ann") for room in rooms for _ in range(4)]
    answers = await asyncio.gather(*taps, return_exceptions=True)
    assert len([answer for answer in answers if isinstance(answer, GrantCard)]) == 1
    assert sorted([(await budget(room))[1] for room in rooms]) == [0, 1_000]


async def test_a_claim_that_finds_nothing_left_leaves_the_persons_place(shop: Shop) -> None:
    await shop.fund(20_000)
    drop = await shop.drop(1)
    answers = await asyncio.gather(*(shop.claim(drop, f"p{n}") for n in range(20)), return_exceptions=True)
    refused = [f"p{n}" for n, answer in enumerate(answers) if isinstance(answer, Conflict)]
    assert len(refused) == 19
    again = await shop.drop(19)
    assert {(await shop.claim(again, person)).state for person in refused} == {"active"}


async def test_a_refused_twin_leaves_the_place_of_the_tab_that_goes_on(shop: Shop) -> None:
    await shop.fund(1_000)
    gone, drop = await shop.drop(1), await shop.drop(1)
    place = (tag(pick_shard(shop.campaign, SHARDS)), shop.campaign, "ann", drop)
    for tab in ("tab", "twin"):
        assert await shop.redis.fcall("coupon_place_v2", 1, *place, 1, tab) == [b"ok"]
    await shop.claim(gone, "bob")
    refused = await shop.redis.fcall("coupon_claim_v1", 1, tag(SHARD), drop, "ann", new_id(SHARD))
    assert refused == [b"no", b"coupons_gone"]
    await shop.redis.fcall("coupon_unplace_v2", 1, *place, "twin")
    await shop.fund(2_000)
    await shop.redis.fcall("coupon_claim_v1", 1, tag(SHARD), drop, "ann", new_id(SHARD))
    with pytest.raises(Conflict, match="coupon_limit_reached"):
        await shop.claim(await shop.drop(1), "ann")


async def test_the_last_attempt_that_is_refused_frees_the_place(shop: Shop) -> None:
    place = (tag(SHARD), "campaign", "ann", "drop")
    for attempt in ("one", "two", "one"):
        assert await shop.redis.fcall("coupon_place_v2", 1, *place, 1, attempt) == [b"ok"]
    full = (tag(SHARD), "campaign", "ann", "another drop", 1, "three")
    for attempt in ("one", "one", "unknown"):
        await shop.redis.fcall("coupon_unplace_v2", 1, *place, attempt)
        assert (await shop.redis.fcall("coupon_place_v2", 1, *full))[0] == b"no"
    await shop.redis.fcall("coupon_unplace_v2", 1, *place, "two")
    assert await shop.redis.fcall("coupon_place_v2", 1, *full) == [b"ok"]


async def test_a_drop_is_not_found_from_another_room(shop: Shop) -> None:
    await shop.fund(1_000)
    drop = await shop.drop(1)
    with pytest.raises(NotFound, match="drop_not_found"):
        await shop.coupons.claim(drop, PersonId("ann"), RoomId(new_id(SHARD)))
    card = await shop.claim(drop, "ann")
    assert card.state == "active"
    with pytest.raises(NotFound, match="drop_not_found"):
        await shop.coupons.claim(drop, PersonId("ann"), RoomId(new_id(SHARD)))


async def test_a_drop_that_the_budget_does_not_cover_is_refused(shop: Shop) -> None:
    await shop.fund(1_500)
    with pytest.raises(Conflict, match="budget_spent"):
        await shop.drop(2)
    assert await shop.events() == []


async def test_a_claim_finds_the_budget_spent_by_another_drop(shop: Shop) -> None:
    await shop.fund(1_000)
    first, second = await shop.drop(1), await shop.drop(1)
    await shop.claim(first, "ann")
    with pytest.raises(Conflict, match="coupons_gone"):
        await shop.claim(second, "bob")
    assert await budget(shop) == (0, 1_000, 0)


async def test_a_coupon_lowers_one_price_once(shop: Shop) -> None:
    await shop.fund(5_000)
    sale = await shop.open_sale(5, limit=5)
    card = await shop.claim(await shop.drop(1), "ann")
    held = await shop.sell(sale, "ann", grant=card.grant)
    assert held.order.total_minor == PRICE - 1_000
    assert await shop.refused(sale, "ann", grant=card.grant) == "coupon_spent"
    assert await budget(shop) == (4_000, 0, 1_000)
    assert await wallet(shop, "ann") == []


async def test_a_redeemed_coupon_stands_in_the_order_with_its_funder(shop: Shop) -> None:
    await shop.fund(5_000)
    sale = await shop.open_sale(1)
    card = await shop.claim(await shop.drop(1), "ann")
    await shop.sell(sale, "ann", grant=card.grant)
    (record,) = await shop.told("order.confirmed")
    order = msgspec.json.decode(record.data, type=ConfirmedOrder)
    assert (order.campaign, order.lines[0].merchant_discount_minor) == (shop.campaign, 1_000)
    assert order.lines[0].paid_minor == order.total_minor


async def test_a_coupon_on_hold_cannot_be_used_again_and_comes_back(shop: Shop) -> None:
    await shop.fund(5_000)
    sale = await shop.open_sale(5, limit=5)
    card = await shop.claim(await shop.drop(1), "ann")
    held = await shop.buy(sale, "ann", grant=card.grant)
    assert await shop.refused(sale, "ann", grant=card.grant) == "coupon_reserved"
    await shop.orders.cancel(OrderId(held.order.order), PersonId("ann"))
    assert [grant.state for grant in await wallet(shop, "ann")] == ["active"]
    assert await budget(shop) == (4_000, 1_000, 0)


async def test_a_coupon_of_somebody_else_is_not_found(shop: Shop) -> None:
    await shop.fund(5_000)
    sale = await shop.open_sale(5)
    card = await shop.claim(await shop.drop(1), "ann")
    assert await shop.refused(sale, "bob", grant=card.grant) == "coupon_not_found"


async def test_a_merchant_pays_for_its_own_products_only(shop: Shop) -> None:
    await shop.fund(5_000)
    sale = await shop.open_sale(5)
    card = await shop.claim(await shop.drop(1, shop="another shop"), "ann")
    assert await shop.refused(sale, "ann", grant=card.grant) == "coupon_not_for_this"
    assert [grant.state for grant in await wallet(shop, "ann")] == ["active"]


async def test_a_refused_hold_leaves_the_coupon_alone(shop: Shop) -> None:
    await shop.fund(5_000)
    sale = await shop.open_sale(1)
    card = await shop.claim(await shop.drop(1), "ann")
    await shop.buy(sale, "bob")
    assert await shop.refused(sale, "ann", grant=card.grant) == "sold_out"
    assert [grant.state for grant in await wallet(shop, "ann")] == ["active"]


async def test_a_share_unlocks_after_enough_different_friends(shop: Shop) -> None:
    await shop.fund(5_000)
    grant = await locked_grant(shop, "ann", needed=2)
    assert grant.state == "locked"
    arrivals = [await arrive(shop, grant, person) for person in ("bob", "bob", "cat", "dan")]
    assert arrivals == ["counted", "repeat", "unlocked", "ended"]
    assert [card.state for card in await wallet(shop, "ann")] == ["active"]
    assert await budget(shop) == (4_000, 1_000, 0)


async def test_ones_own_arrival_does_not_count(shop: Shop) -> None:
    await shop.fund(5_000)
    grant = await locked_grant(shop, "ann", needed=1)
    with pytest.raises(Conflict, match="own_arrival"):
        await arrive(shop, grant, "ann")


async def test_a_locked_coupon_lowers_no_price(shop: Shop) -> None:
    await shop.fund(5_000)
    sale = await shop.open_sale(1)
    grant = await locked_grant(shop, "ann", needed=1)
    assert await shop.refused(sale, "ann", grant=grant.grant) == "coupon_locked"


async def test_a_share_without_funds_stays_locked(shop: Shop) -> None:
    grant = await locked_grant(shop, "ann", needed=1)
    assert await arrive(shop, grant, "bob") == "unfunded"
    assert await budget(shop) == (0, 0, 0)
    assert [(card.state, card.arrivals) for card in await wallet(shop, "ann")] == [("locked", 0)]


async def test_the_same_friend_unlocks_a_share_once_it_is_funded(shop: Shop) -> None:
    grant = await locked_grant(shop, "ann", needed=1)
    assert await arrive(shop, grant, "bob") == "unfunded"
    assert await arrive(shop, grant, "bob", lent_minor=1_000) == "unlocked"
    assert await budget(shop) == (0, 1_000, 0)


async def test_what_was_lent_for_a_share_funds_it_alone_and_once(shop: Shop) -> None:
    anns, eves = await locked_grant(shop, "ann", needed=2), await locked_grant(shop, "eve", needed=1)
    arrivals = [await arrive(shop, anns, friend, lent_minor=1_000) for friend in ("bob", "cat", "dan")]
    assert arrivals == ["counted", "unlocked", "ended"]
    assert await arrive(shop, eves, "bob") == "unfunded"
    assert await budget(shop) == (0, 1_000, 0)


async def test_a_person_has_one_share_coupon_of_a_campaign(shop: Shop) -> None:
    first = await locked_grant(shop, "ann", needed=1)
    assert (await locked_grant(shop, "ann", needed=1)).grant == first.grant


async def test_an_unused_coupon_expires_and_its_money_comes_back(shop: Shop) -> None:
    await shop.fund(5_000)
    card = await shop.claim(await shop.drop(1), "ann")
    await shop.redis.hset(f"{tag(SHARD)}:grant:{card.grant}", "ends_ms", "0")
    await shop.redis.zadd(f"{tag(SHARD)}:grant_expiry", {card.grant: 0})
    assert await shop.coupons.sweep(SHARD, 100) == 1
    assert await wallet(shop, "ann") == []
    assert await budget(shop) == (5_000, 0, 0)


async def test_a_coupon_whose_time_ended_during_a_hold_expires_when_it_comes_back(shop: Shop) -> None:
    await shop.fund(5_000)
    sale = await shop.open_sale(1)
    card = await shop.claim(await shop.drop(1), "ann")
    held = await shop.buy(sale, "ann", grant=card.grant)
    await shop.redis.hset(f"{tag(SHARD)}:grant:{card.grant}", "ends_ms", "0")
    await shop.orders.cancel(OrderId(held.order.order), PersonId("ann"))
    assert await budget(shop) == (5_000, 0, 0)


async def test_a_share_that_nobody_followed_in_time_expires_and_frees_no_money(shop: Shop) -> None:
    await shop.fund(5_000)
    grant = await locked_grant(shop, "ann", needed=1)
    await shop.redis.zadd(f"{tag(SHARD)}:grant_expiry", {grant.grant: 0})
    assert await shop.coupons.sweep(SHARD, 100) == 1
    assert await budget(shop) == (5_000, 0, 0)


async def test_an_owner_finds_all_their_coupons_with_their_rooms(shop: Shop) -> None:
    await shop.fund(5_000)
    claimed = await shop.claim(await shop.drop(1), "ann")
    locked = await locked_grant(shop, "ann", needed=1, per_person=2)
    owned = await shop.coupons.of_owner(PersonId("ann"), [SHARD])
    assert {card.grant: card.state for _, card in owned} == {claimed.grant: "active", locked.grant: "locked"}
    assert {room for room, _ in owned} == {shop.room}
    assert await shop.coupons.of_owner(PersonId("bob"), [SHARD]) == []


async def test_a_drop_repeated_days_later_is_the_same_drop(shop: Shop) -> None:
    await shop.fund(10_000)
    drop = await shop.drop(1)
    await shop.claim(drop, "ann")
    server = await shop.redis.server_of(tag(SHARD))
    for key in await server.keys(f"{tag(SHARD)}:op:*"):
        await shop.redis.delete(key)
    await shop.drop(1, drop=drop)
    assert (await shop.events()).count("coupon.dropped") == 1
    with pytest.raises(Conflict, match="coupons_gone"):
        await shop.claim(drop, "bob")
