"""Moderating a room over real sockets, on two gateways."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from livecommerce.accounts import Membership
from livecommerce.comments import RoomBudget
from livecommerce.gateway.close_codes import Close
from livecommerce.ids import ShopId
from tests.fakes import FakeBus, FakeRooms
from tests.gateway import Client, TestGateway, running_gateway
from tests.rooms import HOST, a_room

LIN = "zz" + "L" * 26
ANN = "zz" + "A" * 26


class Stage:
    """Two gateways of one room, and people in it."""

    def __init__(self, one: TestGateway, two: TestGateway, stack: AsyncExitStack) -> None:
        self.one, self.two = one, two
        two.sanctions.rooms, two.sanctions.versions = one.sanctions.rooms, one.sanctions.versions
        self._stack = stack

    async def host(self) -> Client:
        return await self._stack.enter_async_context(self.one.viewer(self.one.token(HOST, "Mei")))

    async def moderator(self) -> Client:
        token = self.two.token("zz" + "M" * 26, "Mo", Membership("moderator", ShopId(a_room().shop)))
        return await self._stack.enter_async_context(self.two.viewer(token))

    async def viewer(self, person: str, gateway: TestGateway) -> Client:
        return await self._stack.enter_async_context(gateway.viewer(gateway.token(person, person[2])))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    bus = FakeBus()
    store = FakeRooms(bus)
    async with (
        running_gateway(store, bus, "one") as one,
        running_gateway(store, bus, "two") as two,
        AsyncExitStack() as stack,
    ):
        yield Stage(one, two, stack)


async def heard(client: Client, text: str) -> bool:
    """Whether a comment reached somebody before this one's own next comment did."""
    verdict = await client.ask(t="comment", text="a mark")
    while not any(
        line["comment"] == verdict["comment"]
        for message in client.heard
        if message["t"] == "comments"
        for line in message["comments"]
    ):
        await client.next()
    return any(
        line["text"] == text
        for message in client.heard
        if message["t"] == "comments"
        for line in message["comments"]
    )


async def test_a_slow_room_makes_a_person_wait_on_every_connection(stage: Stage) -> None:
    host, lin, tab = (
        await stage.host(),
        await stage.viewer(LIN, stage.one),
        await stage.viewer(LIN, stage.one),
    )
    assert (await host.ask(t="slow", seconds=30))["t"] == "ok"
    assert (await lin.until("slow.mode"))["seconds"] == 30
    assert (await lin.ask(t="comment", text="first"))["result"] == "delivered"
    refused = await tab.ask(t="comment", text="second")
    assert (refused["result"], refused["code"]) == ("rejected", "slow_mode")
    assert 0 < refused["wait_ms"] <= 30_000
    assert (await host.ask(t="comment", text="not me"))["result"] == "delivered"
    assert (await host.ask(t="comment", text="nor now"))["result"] == "delivered"


async def test_a_person_has_one_pace_in_all_tabs_on_all_gateways(stage: Stage) -> None:
    host = await stage.host()
    tabs = [await stage.viewer(LIN, gateway) for gateway in (stage.one, stage.one, stage.two)]
    verdicts = []
    for number, tab in enumerate((*tabs, *tabs)):
        verdicts.append(await tab.ask(t="comment", text=f"number {number}"))
        if verdicts[-1]["result"] == "delivered":
            await until_said(host, f"number {number}")
    assert [verdict["result"] for verdict in verdicts] == ["delivered"] * 3 + ["rejected"] * 3
    assert verdicts[-1]["code"] == "comment_cooldown"
    assert (await (await stage.viewer(ANN, stage.two)).ask(t="comment", text="hi"))["result"] == "delivered"


async def test_a_flooded_room_samples_tells_whom_it_did_not_show_and_spares_host_and_buyers(
    stage: Stage,
) -> None:
    host, lin, ann = (
        await stage.host(),
        await stage.viewer(LIN, stage.one),
        await stage.viewer(ANN, stage.one),
    )
    served = stage.one.rooms.find(a_room().room)
    assert served is not None
    served.buyers.add(ANN)
    served.budget = FloodedRoom()
    sampled = await lin.ask(t="comment", text="is this real silk?")
    assert sampled["result"] == "sampled"
    own = next(message for message in lin.heard if message["t"] == "comments")["comments"]
    assert [(line["comment"], line["text"]) for line in own] == [(sampled["comment"], "is this real silk?")]
    assert (await ann.ask(t="comment", text="mine is"))["result"] == "delivered"
    assert (await host.ask(t="comment", text="it is"))["result"] == "delivered"
    await until_said(ann, "it is")
    assert "is this real silk?" not in said_to(ann)
    assert said_to(ann) == ["mine is", "it is"]


class FloodedRoom(RoomBudget):
    """Shows nothing more to all, except from those who are exempt."""

    def allows(self, now_ms: int, *, exempt: bool) -> bool:
        return exempt


def said_to(client: Client) -> list[str]:
    """All comments that somebody heard."""
    frames = (message["comments"] for message in client.heard if message["t"] == "comments")
    return [line["text"] for lines in frames for line in lines]


async def until_said(client: Client, text: str) -> None:
    """Waits until somebody has heard a comment."""
    while text not in said_to(client):
        await client.next()


async def test_who_has_bought_need_not_wait(stage: Stage) -> None:
    host, lin = await stage.host(), await stage.viewer(LIN, stage.one)
    await host.ask(t="slow", seconds=30)
    for served in stage.one.rooms:
        served.buyers.add(LIN)
    for text in ("one", "two"):
        assert (await lin.ask(t="comment", text=text))["result"] == "delivered"


async def test_a_pinned_comment_stays_for_who_comes_later_until_it_is_deleted(stage: Stage) -> None:
    host, lin = await stage.host(), await stage.viewer(LIN, stage.one)
    comment = (await lin.ask(t="comment", text="is it waterproof?"))["comment"]
    assert (await host.ask(t="comment.pin", comment=comment))["t"] == "ok"
    assert (await lin.until("comment.pinned"))["comment"]["text"] == "is it waterproof?"
    ann = await stage.viewer(ANN, stage.one)
    assert ann.heard[-1]["room"]["pinned_comment"]["comment"] == comment
    await host.ask(t="delete", comment=comment)
    await ann.until("deleted")
    late = await stage.viewer("zz" + "Z" * 26, stage.one)
    assert late.heard[-1]["room"]["pinned_comment"] is None


async def test_only_a_comment_that_is_known_can_be_pinned(stage: Stage) -> None:
    host = await stage.host()
    assert (await host.ask(t="comment.pin", comment="nothing"))["code"] == "comment_not_found"


async def test_who_is_under_a_shadow_does_not_know_and_nobody_hears(stage: Stage) -> None:
    host, moderator = await stage.host(), await stage.moderator()
    lin, ann = await stage.viewer(LIN, stage.one), await stage.viewer(ANN, stage.two)
    await host.ask(t="impose", kind="shadow", person=LIN, name="Lin")
    assert (await lin.ask(t="comment", text="buy at my shop"))["result"] == "delivered"
    await said(lin, "buy at my shop")
    for who in (host, moderator):
        assert (await who.until("shadowed"))["comments"][0]["text"] == "buy at my shop"
    assert not await heard(ann, "buy at my shop")
    late = await stage.viewer("zz" + "Z" * 26, stage.one)
    assert all(line["text"] != "buy at my shop" for line in late.heard[-1]["comments"])
    for client in (lin, ann, late):
        assert not any(message["t"] in ("sanctioned", "moderation", "shadowed") for message in client.heard)
        assert LIN not in str(client.heard[0]["room"])


async def test_who_is_banned_leaves_every_gateway_and_stays_out_until_it_is_lifted(stage: Stage) -> None:
    host = await stage.host()
    lin, tab = await stage.viewer(LIN, stage.one), await stage.viewer(LIN, stage.two)
    await host.ask(t="impose", kind="ban", person=LIN, name="Lin", seconds=600)
    assert await lin.closed() == await tab.closed() == Close.BANNED
    async with stage.two.socket() as again:
        await again.send(t="join", token=stage.two.token(LIN, "Lin"))
        assert (await again.until("error"))["code"] == "banned"
        assert await again.closed() == Close.BANNED
    await host.ask(t="impose", kind="ban", person=LIN, seconds=0)
    await stage.viewer(LIN, stage.two)


async def test_a_ban_holds_on_a_gateway_that_hears_of_it_only_when_it_loads_the_room(stage: Stage) -> None:
    host = await stage.host()
    await host.ask(t="impose", kind="ban", person=LIN)
    async with stage.two.socket() as lin:
        await lin.send(t="join", token=stage.two.token(LIN, "Lin"))
        assert await lin.closed() == Close.BANNED


async def test_the_host_and_oneself_cannot_be_banned(stage: Stage) -> None:
    host, moderator = await stage.host(), await stage.moderator()
    for who in (host, moderator):
        assert (await who.ask(t="impose", kind="ban", person=HOST))["code"] == "not_this_person"


async def test_reviewed_comments_wait_for_a_word_on_any_gateway(stage: Stage) -> None:
    host, moderator = await stage.host(), await stage.moderator()
    lin, ann = await stage.viewer(LIN, stage.one), await stage.viewer(ANN, stage.two)
    await host.ask(t="review.first", on=True)
    await lin.until("review.mode")
    good = await lin.ask(t="comment", text="good")
    bad = await lin.ask(t="comment", text="bad")
    assert good["result"] == bad["result"] == "held"
    while {line["text"] for line in held_by(moderator)} != {"good", "bad"}:
        await moderator.next()
    assert (await moderator.ask(t="review", comment=bad["comment"], approve=False))["t"] == "ok"
    assert (await moderator.ask(t="review", comment=good["comment"], approve=True))["t"] == "ok"
    assert (await ann.until("comments"))["comments"][0]["text"] == "good"
    await host.until("reviewed")
    assert (await host.until("reviewed"))["comment"] == good["comment"]
    again = await host.ask(t="review", comment=good["comment"], approve=True)
    assert again["code"] == "comment_not_found"
    assert not await heard_in_log(ann, "bad")


def held_by(client: Client) -> list[dict[str, str]]:
    return [line for message in client.heard if message["t"] == "held" for line in message["comments"]]


async def heard_in_log(client: Client, text: str) -> bool:
    return any(text == line["text"] for message in client.heard for line in message.get("comments", ()))


async def test_a_moderator_who_comes_later_finds_what_waits(stage: Stage) -> None:
    host, lin = await stage.host(), await stage.viewer(LIN, stage.one)
    await host.ask(t="review.first", on=True)
    await lin.until("review.mode")
    await lin.ask(t="comment", text="waiting")
    await host.until("held")
    await host.ask(t="impose", kind="shadow", person=ANN, name="Ann")
    again = await stage.host()
    moderation = await again.until("moderation")
    assert [line["text"] for line in moderation["held"]] == ["waiting"]
    assert [(one["kind"], one["name"]) for one in moderation["sanctions"]] == [("shadow", "Ann")]


async def said(client: Client, text: str) -> str:
    """Waits until somebody hears a text; the id of the comment."""
    while True:
        for line in (await client.until("comments"))["comments"]:
            if line["text"] == text:
                return str(line["comment"])


async def test_a_shadow_shows_in_nothing_that_its_person_receives(stage: Stage) -> None:
    host = await stage.host()
    lin, tab = await stage.viewer(LIN, stage.one), await stage.viewer(LIN, stage.two)
    await host.ask(t="slow", seconds=30)
    for client in (lin, tab):
        await client.until("slow.mode")
    await host.ask(t="impose", kind="shadow", person=LIN)
    verdict = await lin.ask(t="comment", text="one")
    assert verdict["result"] == "delivered"
    assert await said(lin, "one") == await said(tab, "one") == verdict["comment"]
    for client in (lin, tab):
        refused = await client.ask(t="comment", text="two")
        assert (refused["result"], refused["code"]) == ("rejected", "slow_mode")
    await host.ask(t="slow", seconds=0)
    await host.ask(t="review.first", on=True)
    await lin.until("review.mode")
    assert (await lin.ask(t="comment", text="three"))["result"] == "held"
    assert not await heard_in_log(lin, "three")


async def test_a_gateway_that_loads_the_room_late_has_what_waits_on_its_desk(stage: Stage) -> None:
    host, lin = await stage.host(), await stage.viewer(LIN, stage.one)
    await host.ask(t="review.first", on=True)
    await lin.until("review.mode")
    waiting = await lin.ask(t="comment", text="waiting")
    moderator = await stage.moderator()
    while not any(line["text"] == "waiting" for line in desk_of(moderator)):
        await moderator.next()
    assert (await moderator.ask(t="review", comment=waiting["comment"], approve=True))["t"] == "ok"
    await said(lin, "waiting")


def desk_of(client: Client) -> list[dict[str, str]]:
    at_first = [line for message in client.heard if message["t"] == "moderation" for line in message["held"]]
    return [*at_first, *held_by(client)]


async def test_a_host_appoints_a_moderator_who_moderates_at_once_on_any_gateway(stage: Stage) -> None:
    host, lin = await stage.host(), await stage.viewer(LIN, stage.two)
    assert (await lin.ask(t="slow", seconds=5))["code"] == "moderator_only"
    assert (await host.ask(t="moderator.appoint", person=LIN, name="Lin"))["t"] == "ok"
    assert (await lin.until("me"))["me"]["role"] == "moderator"
    await lin.until("moderation")
    assert (await lin.ask(t="slow", seconds=5))["t"] == "ok"
    assert (await lin.ask(t="moderator.appoint", person=ANN, name="Ann"))["code"] == "host_only"
    late = await stage.viewer(ANN, stage.one)
    assert [card["name"] for card in late.heard[-1]["room"]["moderators"]] == ["Lin"]
    assert (await host.ask(t="impose", kind="ban", person=LIN))["code"] == "not_this_person"
    assert (await host.ask(t="moderator.dismiss", person=LIN))["t"] == "ok"
    assert (await lin.until("me"))["me"]["role"] == "viewer"
    assert (await lin.ask(t="slow", seconds=0))["code"] == "moderator_only"
    await host.ask(t="impose", kind="shadow", person=ANN)
    assert (await lin.ask(t="comment", text="still here"))["result"] == "delivered"
    assert not any(message["t"] == "sanctioned" for message in lin.heard)


async def test_a_guest_never_moderates(stage: Stage) -> None:
    host = await stage.host()
    await host.ask(t="moderator.appoint", person=LIN, name="Lin")
    async with stage.one.viewer(stage.one.token(LIN, "Lin", guest=True)) as guest:
        assert (await guest.ask(t="slow", seconds=5))["code"] == "moderator_only"


async def test_moderators_cannot_silence_the_host_or_each_other(stage: Stage) -> None:
    host, moderator = await stage.host(), await stage.moderator()
    await host.ask(t="moderator.appoint", person=LIN, name="Lin")
    await moderator.until("moderator.appointed")
    for person in (HOST, LIN):
        assert (await moderator.ask(t="mute", person=person))["code"] == "not_this_person"
        assert (await moderator.ask(t="mute", person=person, seconds=0))["t"] == "ok"


@pytest.mark.parametrize(
    "message",
    [
        {"t": "slow", "seconds": 5},
        {"t": "review.first", "on": True},
        {"t": "comment.pin", "comment": "c"},
        {"t": "comment.unpin"},
        {"t": "review", "comment": "c", "approve": True},
        {"t": "impose", "kind": "ban", "person": ANN},
    ],
)
async def test_viewers_cannot_moderate(stage: Stage, message: dict[str, object]) -> None:
    lin = await stage.viewer(LIN, stage.one)
    assert (await lin.ask(**message))["code"] == "moderator_only"


async def test_every_act_of_moderation_is_in_the_audit_trail(stage: Stage) -> None:
    host = await stage.host()
    await host.ask(t="slow", seconds=5)
    await host.ask(t="impose", kind="ban", person=LIN, name="Lin")
    actions = [entry.action for entry in stage.one.audit.entries.values()]
    assert actions == ["slow.mode", "sanction.ban"]


async def test_a_room_takes_only_so_many_changes_at_once(stage: Stage) -> None:
    host = await stage.host()
    (served,) = stage.one.rooms
    while served.commands.take(0):
        pass
    served.commands.updated_ms = 2**62  # no time passes for it
    refused = await host.ask(t="slow", seconds=7)
    assert (refused["code"], refused["temporary"]) == ("room_busy", True)
