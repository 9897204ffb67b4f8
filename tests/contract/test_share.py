"""Which visits count, on the real server: other account, other device, first brought by this link, stays."""

from __future__ import annotations

from typing import Any

import pytest

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.redis_share import RedisShares
from livecommerce.ids import GrantId, PersonId, RoomId, Shard
from livecommerce.share import Seal, Sharing

ROOM = RoomId("00" + "R" * 26)
SEAL = Seal(b"a key")
STAY_MS = 20_000


class FakeRewards:
    """Coupons in memory: who came for which."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[str, str]] = []

    async def count_arrival(self, grant: GrantId, person: PersonId) -> None:
        if (grant, person) not in self.arrivals:
            self.arrivals.append((grant, person))


class Room:
    """People who share a room with each other; everyone has a device of their own."""

    def __init__(self, redis: Connection, depth: int = 1) -> None:
        self.rewards = FakeRewards()
        self.sharing = Sharing(RedisShares(redis), self.rewards, SEAL, stay_ms=STAY_MS, reward_depth=depth)
        self.now_ms = 1_000

    async def share(self, person: str) -> str:
        grant, _ = await self.sharing.link(ROOM, PersonId(person), f"phone-{person}", self.now_ms)
        await self.sharing.keep_reward(ROOM, PersonId(person), GrantId(f"coupon-{person}"))
        return grant

    async def visit(
        self, person: str, grant: str, *, device: str | None = None, stay_ms: int = STAY_MS
    ) -> tuple[str, str]:
        """What an arrival and the end of the stay are answered with."""
        used = f"phone-{person}" if device is None else device
        arrived = await self.sharing.arrived(ROOM, person, used, grant, self.now_ms)
        self.now_ms += stay_ms
        return arrived, await self.sharing.stayed(ROOM, person, used, grant, self.now_ms)


@pytest.fixture
def room(anywhere: Connection) -> Room:
    return Room(anywhere)


async def test_a_friend_who_stays_unlocks_the_sharers_coupon(room: Room) -> None:
    assert await room.visit("bo", await room.share("ann")) == ("arrived", "verified")
    assert room.rewards.arrivals == [("coupon-ann", "bo")]


async def test_a_link_is_always_the_same(room: Room) -> None:
    first = await room.share("ann")
    room.now_ms += 5_000
    assert await room.share("ann") == first


async def test_ones_own_visit_does_not_count(room: Room) -> None:
    grant = await room.share("ann")
    assert await room.visit("ann", grant) == ("self", "self")
    assert await room.visit("ann", grant, device="second phone") == ("self", "self")
    assert room.rewards.arrivals == []


async def test_a_second_account_on_the_sharers_device_does_not_count(room: Room) -> None:
    grant = await room.share("ann")
    assert await room.visit("bo", grant, device="phone-ann") == ("same_device", "same_device")
    assert room.rewards.arrivals == []


async def test_a_sharers_device_is_known_from_the_sharers_own_visit(room: Room) -> None:
    await room.sharing.arrived(ROOM, "ann", "tablet", "", room.now_ms)
    grant = await room.share("ann")
    assert await room.visit("bo", grant, device="tablet") == ("same_device", "same_device")


async def test_many_accounts_on_one_device_count_once(room: Room) -> None:
    grant = await room.share("ann")
    assert await room.visit("bo", grant, device="farm") == ("arrived", "verified")
    assert await room.visit("cy", grant, device="farm") == ("same_device", "same_device")
    assert len(room.rewards.arrivals) == 1


async def test_a_visit_without_a_device_does_not_count(room: Room) -> None:
    assert await room.visit("bo", await room.share("ann"), device="") == ("no_device", "no_device")


async def test_a_repeated_visit_counts_once(room: Room) -> None:
    grant = await room.share("ann")
    await room.visit("bo", grant)
    assert await room.visit("bo", grant) == ("repeat", "repeat")
    assert room.rewards.arrivals == [("coupon-ann", "bo")]


async def test_two_tabs_of_a_friend_count_once(room: Room) -> None:
    grant = await room.share("ann")
    await room.visit("bo", grant, stay_ms=0)
    room.now_ms += STAY_MS
    stays = [await room.sharing.stayed(ROOM, "bo", "phone-bo", grant, room.now_ms) for _ in range(2)]
    assert stays == ["verified", "repeat"]


async def test_a_visit_that_is_too_short_does_not_count(room: Room) -> None:
    grant = await room.share("ann")
    assert await room.visit("bo", grant, stay_ms=STAY_MS - 1) == ("arrived", "too_short")
    assert await room.visit("bo", grant) == ("arrived", "verified")


async def test_nobody_stays_who_never_arrived(room: Room) -> None:
    grant = await room.share("ann")
    stayed = await room.sharing.stayed(ROOM, "bo", "phone-bo", grant, 10**12)
    assert stayed == "not_arrived"


async def test_the_first_touch_wins(room: Room) -> None:
    ann, cy = await room.share("ann"), await room.share("cy")
    await room.visit("bo", ann, stay_ms=0)
    assert await room.visit("bo", cy) == ("not_first", "not_first")
    assert await room.visit("bo", ann) == ("arrived", "verified")
    assert room.rewards.arrivals == [("coupon-ann", "bo")]


async def test_who_shares_already_was_brought_by_nobody(room: Room) -> None:
    ann, _ = await room.share("ann"), await room.share("bo")
    assert await room.visit("bo", ann) == ("not_first", "not_first")


async def test_a_circle_of_friends_is_refused(room: Room) -> None:
    await room.visit("bo", await room.share("ann"))
    await room.visit("cy", await room.share("bo"))
    assert await room.visit("ann", await room.share("cy")) == ("cycle", "cycle")
    assert ("coupon-cy", "ann") not in room.rewards.arrivals


async def test_forged_and_foreign_grants_are_refused(room: Room) -> None:
    forged = Seal(b"another key").close(SEAL.open(await room.share("ann")))
    assert await room.visit("bo", forged) == ("bad_share", "bad_share")
    other = RoomId("00" + "O" * 26)
    foreign, _ = await room.sharing.link(other, PersonId("ann"), "", room.now_ms)
    assert await room.visit("bo", foreign) == ("other_room", "other_room")


async def test_any_depth_is_measured_and_one_level_is_rewarded(room: Room) -> None:
    for sharer, friend in ("ab", "bc", "cd"):
        assert await room.visit(friend, await room.share(sharer)) == ("arrived", "verified")
    figures = await room.sharing.figures(ROOM)
    assert figures.depths == {0: 1, 1: 1, 2: 1, 3: 1}
    assert (figures.sharers, figures.visits, figures.verified, figures.k_factor) == (3, 3, 3, 1.0)
    assert room.rewards.arrivals == [("coupon-a", "b"), ("coupon-b", "c"), ("coupon-c", "d")]


async def test_two_levels_are_rewarded_where_that_is_set(anywhere: Connection) -> None:
    room = Room(anywhere, depth=2)
    for sharer, friend in ("ab", "bc", "cd"):
        await room.visit(friend, await room.share(sharer))
    assert [coupon for coupon, person in room.rewards.arrivals if person == "d"] == ["coupon-c", "coupon-b"]


async def test_refusals_are_counted_by_their_reason(room: Room) -> None:
    grant = await room.share("ann")
    await room.visit("ann", grant)
    await room.visit("bo", grant, device="phone-ann")
    figures = await room.sharing.figures(ROOM)
    assert figures.refused == {"self": 1, "same_device": 1}


async def test_a_link_outlives_a_lost_tree(room: Room, anywhere: Connection) -> None:
    await room.visit("bo", await room.share("ann"))
    grant = await room.share("bo")
    await anywhere.delete(f"{tag(Shard('00'))}:tree:{ROOM}", f"{tag(Shard('00'))}:visits:{ROOM}")
    assert (await room.visit("cy", grant))[0] == "arrived"
    assert (await room.sharing.link(ROOM, PersonId("cy"), "", 0))[1].depth == 2


async def forget_tree(redis: Connection) -> None:
    for kind in ("tree", "visits"):
        await redis.delete(f"{tag(Shard('00'))}:{kind}:{ROOM}")


async def test_nobody_is_brought_by_whom_they_brought_after_the_tree_was_lost(
    room: Room, anywhere: Connection
) -> None:
    await room.visit("bo", await room.share("ann"))
    await room.visit("cy", await room.share("bo"))
    bos, cys = await room.share("bo"), await room.share("cy")
    for link in (bos, cys):
        await forget_tree(anywhere)
        assert await room.visit("ann", link) == ("cycle", "cycle")
    await forget_tree(anywhere)
    assert await room.visit("bo", cys) == ("cycle", "cycle")


async def test_links_restore_no_circle_in_whatever_order_they_are_used(
    room: Room, anywhere: Connection
) -> None:
    for sharer, friend in (("ann", "bo"), ("bo", "cy"), ("cy", "dan")):
        await room.visit(friend, await room.share(sharer))
    cys, dans = await room.share("cy"), await room.share("dan")
    await forget_tree(anywhere)
    await room.visit("bo", dans)
    await room.visit("eve", cys)
    stored: Any = await anywhere.hgetall(f"{tag(Shard('00'))}:tree:{ROOM}")
    parents = {node: place.split()[0] for node, place in stored.items()}
    for node in parents:
        line = [node]
        while line[-1] in parents and len(line) <= len(parents):
            line.append(parents[line[-1]])
        assert len(line) == len(set(line))


async def test_a_person_who_invents_devices_is_remembered_with_few_and_then_counts_no_more(
    room: Room, anywhere: Connection
) -> None:
    for number in range(50):
        await room.sharing.arrived(ROOM, "bo", f"device-{number}", "", room.now_ms)
    assert await anywhere.hlen(f"{tag(Shard('00'))}:devices:{ROOM}") == 11
    grant = await room.share("ann")
    assert await room.visit("bo", grant, device="another") == ("too_many_devices", "too_many_devices")
    assert await room.visit("bo", grant, device="device-3") == ("arrived", "verified")


async def test_no_id_of_a_person_stands_in_the_tree(room: Room, anywhere: Connection) -> None:
    await room.visit("person-of-interest", await room.share("somebody-who-shares"))
    for kind in ("tree", "devices", "visits", "rewards"):
        stored = repr(await anywhere.hgetall(f"{tag(Shard('00'))}:{kind}:{ROOM}"))
        assert "person-of-interest" not in stored
        assert "'somebody-who-shares'" not in stored.replace("coupon-somebody-who-shares", "")
