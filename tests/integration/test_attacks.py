"""What an attacker tries at the gateway's socket; each test is named by what stops it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest

from livecommerce.accounts import Membership
from livecommerce.clock import now_ms
from livecommerce.gateway.close_codes import Close
from livecommerce.gateway.limits import BURST, OpeningLimits
from livecommerce.gateway.messages import to_client
from livecommerce.gateway.proxies import parse_networks
from livecommerce.gateway.websocket import RoomProtocol
from livecommerce.ids import RoomId, ShopId
from livecommerce.room.cards import CommentLine, PersonCard
from livecommerce.room.lanes import CLOSE_ABOVE_BYTES, SKIP_ABOVE_BYTES, Lane
from tests.gateway import SECRET, TestGateway, running_gateway
from tests.raw_socket import TEXT, frame, raw_connection, raw_socket
from tests.rooms import HOST, ROOM

PERSON = "zz" + "P" * 26


@pytest.fixture
async def gateway() -> AsyncIterator[TestGateway]:
    async with running_gateway() as gateway:
        yield gateway


def claims(**changes: Any) -> dict[str, Any]:
    """What a good session token says."""
    later = now_ms() // 1000 + 3_600
    good = {"aud": "livecommerce", "sub": HOST, "name": "Mei", "guest": False, "roles": [], "exp": later}
    return {**good, **changes}


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm)


TOKENS: dict[str, Callable[[], str]] = {
    "rubbish": lambda: "abc.def.ghi",
    "another key": lambda: signed("another secret of at least 32 characters"),
    "no signature": lambda: signed("", "none"),
    "another algorithm": lambda: signed(SECRET * 2, "HS512"),
    "another audience": lambda: signed(aud="media"),
    "no audience": lambda: jwt.encode(
        {name: value for name, value in claims().items() if name != "aud"}, SECRET, "HS256"
    ),
    "no end": lambda: jwt.encode(
        {name: value for name, value in claims().items() if name != "exp"}, SECRET, "HS256"
    ),
    "a person that is none": lambda: signed(sub="../../host"),
    "roles that are none": lambda: signed(roles="operator"),
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS.keys())
async def test_a_token_that_is_not_ours_opens_nothing_and_is_not_asked_for_again(
    gateway: TestGateway, token: Callable[[], str]
) -> None:
    async with gateway.socket() as client:
        await client.send(t="join", token=token())
        assert (await client.until("error"))["code"] == "bad_token"
        assert await client.closed() == Close.FORBIDDEN


async def test_a_token_that_has_expired_opens_nothing_and_may_be_renewed(gateway: TestGateway) -> None:
    async with gateway.socket() as client:
        await client.send(t="join", token=signed(exp=now_ms() // 1000 - 1))
        assert (await client.until("error"))["code"] == "token_expired"
        assert await client.closed() == Close.TOKEN_EXPIRED


async def test_a_key_to_the_picture_is_no_session(gateway: TestGateway) -> None:
    async with gateway.socket() as client:
        await client.send(t="join", token=gateway.tokens.mint_publish(HOST, ROOM, "host"))
        assert (await client.until("error"))["code"] == "bad_token"


async def test_a_session_cannot_be_turned_into_another_persons(gateway: TestGateway) -> None:
    async with gateway.viewer(gateway.token(PERSON, "Lin")) as client:
        refused = await client.ask(t="refresh", token=gateway.token(HOST, "Mei"))
        assert refused["code"] == "other_person"
        assert (await client.ask(t="show.start"))["code"] == "host_only"


async def test_a_cookie_opens_no_socket_from_another_site(gateway: TestGateway) -> None:
    cookie = {"Cookie": f"session={gateway.token(HOST, 'Mei')}"}
    async with gateway.socket(additional_headers={**cookie, "Origin": "https://evil.test"}) as client:
        await client.send(t="join")
        assert (await client.until("snapshot"))["me"]["role"] == "guest"
    async with gateway.socket(additional_headers=cookie) as client:  # not a browser: no origin, no cookie
        await client.send(t="join")
        assert (await client.until("snapshot"))["me"]["role"] == "guest"


@pytest.mark.parametrize("role", ["host", "moderator", "brand"])
async def test_roles_of_another_shop_are_worth_nothing_here(gateway: TestGateway, role: str) -> None:
    elsewhere = Membership(role, ShopId("zz" + "O" * 26))
    async with gateway.viewer(gateway.token(PERSON, "Lin", elsewhere)) as client:
        assert (await client.ask(t="pin", product="p-tea"))["code"] == "moderator_only"
        assert (await client.ask(t="mute", person=HOST))["code"] == "moderator_only"


async def test_who_holds_many_connections_open_without_a_word_is_let_go(gateway: TestGateway) -> None:
    async with gateway.viewer() as other, asyncio.TaskGroup() as group:

        async def stall() -> None:
            async with raw_connection(gateway.port) as raw:
                await raw.send(b"GET /ws/")
                await raw.ended()

        for _ in range(50):
            group.create_task(stall())
        while len(gateway.server.server_state.connections) < 51:  # noqa: ASYNC110 - uvicorn keeps a set, no event
            await asyncio.sleep(0)
        now = asyncio.get_running_loop().time()
        for second in range(1, 14):
            gateway.wheel.turn(now + second)
        assert (await other.ask(t="ping"))["t"] == "pong"


async def test_who_opens_socket_after_socket_is_turned_away_and_nobody_else_is(gateway: TestGateway) -> None:
    async def status(forwarded_for: str) -> int:
        async with raw_connection(gateway.port) as raw:
            answer, _ = await raw.upgrade(f"/ws/{ROOM}", {"X-Forwarded-For": forwarded_for})
            return answer

    attacker = "203.0.113.9"
    answers = [await status(attacker) for _ in range(int(BURST) + 50)]
    assert answers[:100] == [101] * 100
    assert answers.count(429) > 0
    assert await status("203.0.113.10") == 101


async def test_a_token_in_the_address_opens_nothing(gateway: TestGateway) -> None:
    async with raw_connection(gateway.port) as raw:
        assert (await raw.upgrade(f"/ws/{ROOM}?token={gateway.token()}"))[0] == 404


def backlog(connection: RoomProtocol) -> int:
    """How many bytes wait for a viewer to read, beside what the kernel took."""
    return connection._transport.get_write_buffer_size()


async def test_who_stands_still_costs_bounded_memory_and_no_other_viewer_a_frame(
    gateway: TestGateway,
) -> None:
    line = CommentLine(comment="c", person=PersonCard(person="p", name="Lin"), text="x" * 2_000, at_ms=1)
    async with gateway.viewer() as other, raw_socket(gateway.port, f"/ws/{ROOM}") as still:
        still.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await still.send(frame(TEXT, b'{"t":"join"}'))
        while len(gateway.sessions.joined) < 2:  # noqa: ASYNC110 - it has a set, not an event
            await asyncio.sleep(0)
        (slow,) = [one for one in gateway.sessions.joined if one.person != other.heard[0]["me"]["person"]]
        served = gateway.rooms.find(RoomId(ROOM))
        assert served is not None
        for _ in range(1_500):
            served.fanout.broadcast(Lane.CROWD, [to_client.Comments(comments=(line,))])
            await other.until("comments")
        assert slow.open
        assert SKIP_ABOVE_BYTES < backlog(slow) <= SKIP_ABOVE_BYTES + 4_000
        for number in range(150):
            served.fanout.broadcast(Lane.CONTROL, [to_client.Error(code="x" * 2_000, id=number)])
            await other.until("error")
        assert not slow.open
        assert backlog(slow) <= CLOSE_ABOVE_BYTES + 4_000


def exhausted(limits: OpeningLimits, peer: str, forwarded_for: Callable[[int], str]) -> bool:
    """Whether a flood of sockets is stopped."""
    return not all(limits.admits(peer, forwarded_for(number)) for number in range(int(BURST) + 20))


def test_a_made_up_forwarding_address_buys_a_stranger_no_more_joins() -> None:
    limits = OpeningLimits(parse_networks("10.0.0.0/8"), lambda: 1_000)
    assert exhausted(limits, "203.0.113.9", lambda number: f"198.51.100.{number % 250}")


def test_a_made_up_address_in_front_of_a_trusted_proxys_own_does_not_count() -> None:
    limits = OpeningLimits(parse_networks("10.0.0.0/8"), lambda: 1_000)
    assert exhausted(limits, "10.0.0.1", lambda number: f"198.51.{number % 250}.1, 203.0.113.9")


def test_people_behind_a_trusted_proxy_are_told_apart() -> None:
    limits = OpeningLimits(parse_networks("10.0.0.0/8"), lambda: 1_000)
    assert not exhausted(limits, "10.0.0.1", lambda number: f"198.51.{number // 250}.{number % 250}")


def test_a_whole_ipv6_network_is_one_line() -> None:
    limits = OpeningLimits((), lambda: 1_000)
    assert exhausted(limits, "2001:db8:1:2::1", lambda _: "")
    assert not limits.admits("2001:db8:1:2:ffff::9", "")
    assert limits.admits("2001:db8:1:3::1", "")


async def test_tokens_and_comments_are_not_logged(
    gateway: TestGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = gateway.token(PERSON, "Lin")
    async with gateway.viewer(token) as client:
        await client.ask(t="comment", text="between us")
    written = "\n".join(
        record.getMessage() for record in caplog.records if record.name != "websockets.client"
    )
    assert token not in written
    assert "between us" not in written
