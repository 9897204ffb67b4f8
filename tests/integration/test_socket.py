"""The room socket, spoken to by a real client over a real connection."""

from __future__ import annotations

import asyncio
import contextlib
import math

import msgpack
import pytest
from websockets.exceptions import InvalidStatus

from livecommerce.flash_sale import StockCount
from livecommerce.gateway.auth import COOKIE
from livecommerce.gateway.server import DRAIN_PAUSE_SECONDS, DRAIN_SECONDS, drain, drain_batch
from livecommerce.room import room as rules
from livecommerce.room.cards import CommentLine, PersonCard
from tests.fakes import FakeBus, FakeRooms
from tests.gateway import MSGPACK, running_gateway
from tests.rooms import HOST, ROOM, a_room, a_sale, opened


async def test_joining_answers_with_everything_needed_to_draw_the_room() -> None:
    async with running_gateway() as gateway, gateway.socket() as client:
        await client.send(t="join")
        snapshot = await client.next()
    assert snapshot["t"] == "snapshot"
    assert snapshot["room"]["title"] == {"en": "Evening show"}
    assert snapshot["me"]["role"] == "guest"
    assert (snapshot["offset"], snapshot["viewers"]) == (0, 1)


async def test_both_encodings_say_the_same() -> None:
    async with running_gateway() as gateway, gateway.socket(subprotocol=MSGPACK) as client:
        await client.connection.send(msgpack.packb({"t": "join"}))
        frame = await client.connection.recv()
        assert isinstance(frame, bytes)
        assert msgpack.unpackb(frame)[0]["t"] == "snapshot"


async def test_a_comment_reaches_everyone_once_and_its_sender_learns_so() -> None:
    async with running_gateway() as gateway:
        speaker_token = gateway.token("p1", "Lin")
        async with gateway.viewer(speaker_token) as speaker, gateway.viewer() as listener:
            verdict = await speaker.ask(t="comment", text="  How  long is it? ")
            heard = (await listener.until("comments"))["comments"]
            own = (await speaker.until("comments"))["comments"]
    assert verdict["result"] == "delivered"
    assert [line["text"] for line in heard] == ["How long is it?"]
    assert heard[0]["comment"] == verdict["comment"] == own[0]["comment"]
    assert heard[0]["person"] == {"person": "p1", "name": "Lin", "role": "viewer"}


async def test_a_blocked_word_is_refused_and_its_sender_told() -> None:
    async with running_gateway() as gateway, gateway.viewer(gateway.token("p1", "Lin")) as viewer:
        verdict = await viewer.ask(t="comment", text="a S.C.A.M")
        assert (verdict["result"], verdict["code"]) == ("rejected", "blocked_word")


async def test_who_talks_too_fast_is_told_to_wait() -> None:
    async with running_gateway() as gateway, gateway.viewer(gateway.token("p1", "Lin")) as viewer:
        verdicts = [await viewer.ask(t="comment", text=f"number {number}") for number in range(4)]
    assert [verdict["result"] for verdict in verdicts] == ["delivered"] * 3 + ["rejected"]
    assert verdicts[3]["code"] == "comment_cooldown"


async def test_a_pin_crosses_to_viewers_with_its_offset() -> None:
    async with (
        running_gateway() as gateway,
        gateway.viewer() as viewer,
        gateway.viewer(gateway.token()) as host,
    ):
        assert (await host.ask(t="pin", product="p-tea"))["t"] == "ok"
        pinned = await viewer.until("pinned")
    assert pinned["offset"] == 1
    assert pinned["pin"]["product"]["product"] == "p-tea"
    assert [entry.action for entry in gateway.audit.entries.values()] == ["pinned"]


async def test_a_viewer_cannot_pin_mute_or_end_the_show() -> None:
    async with running_gateway() as gateway, gateway.viewer(gateway.token("p1", "Lin")) as viewer:
        answers = [
            await viewer.ask(t="pin", product="p-tea"),
            await viewer.ask(t="mute", person=HOST),
            await viewer.ask(t="delete", comment="x"),
            await viewer.ask(t="show.start"),
        ]
    assert {answer["code"] for answer in answers} == {"moderator_only", "host_only"}
    assert gateway.store.logs[ROOM] == []


async def test_who_comes_back_gets_only_what_was_missed() -> None:
    async with running_gateway() as gateway, gateway.viewer(gateway.token()) as host:
        epoch = host.heard[0]["epoch"]
        for product in ("p-tea", "p-umbrella"):
            await host.ask(t="pin", product=product)
        async with gateway.viewer(epoch=epoch, offset=1) as viewer:
            missed = await viewer.next()
    assert viewer.heard[0]["t"] == "resumed"
    assert (missed["t"], missed["offset"]) == ("pinned", 2)


async def test_who_comes_back_from_another_epoch_gets_everything() -> None:
    async with running_gateway() as gateway, gateway.viewer(epoch="long gone", offset=1) as viewer:
        assert viewer.heard[0]["t"] == "snapshot"


async def test_where_the_log_is_gone_viewers_get_the_state_anew() -> None:
    async with (
        running_gateway() as gateway,
        gateway.viewer() as viewer,
        gateway.viewer(gateway.token()) as host,
    ):
        gateway.store.tell(ROOM, rules.mute("troll", 60, 1))
        gateway.store.trim(ROOM, 0)
        await host.ask(t="pin", product="p-tea")  # decided on the old state, then again on the new one
        resync = await viewer.until("resync")
        assert (resync["offset"], resync["room"]["muted"]) == (1, {"troll": 60_001})
        assert (await viewer.until("pinned"))["offset"] == 2


async def test_two_gateways_serve_one_room() -> None:
    store, bus = FakeRooms(), FakeBus()
    async with (
        running_gateway(store, bus, "one") as one,
        running_gateway(store, bus, "two") as two,
        one.viewer(one.token()) as host,
        two.viewer() as viewer,
    ):
        await host.ask(t="comment", text="hello over there")
        comments = await viewer.until("comments")
        assert comments["comments"][0]["text"] == "hello over there"
        store.tell(ROOM, rules.mute("troll", 60, 1))
        await host.ask(t="pin", product="p-tea")
        await two.rooms.find(ROOM).catch_up()  # type: ignore[union-attr]
        assert (await viewer.until("pinned"))["offset"] == 2


async def test_an_unknown_room_and_a_bad_token_are_refused_for_good() -> None:
    async with running_gateway() as gateway:
        async with gateway.socket("00" + "X" * 26) as client:
            await client.send(t="join")
            assert (await client.next())["code"] == "room_not_found"
            assert await client.closed() == 4502
        async with gateway.socket() as client:
            await client.send(t="join", token="not a token")
            assert (await client.next())["code"] == "bad_token"
            assert await client.closed() == 4501


async def test_a_cookie_counts_only_from_our_own_pages() -> None:
    async with running_gateway() as gateway:
        cookie = {"Cookie": f"{COOKIE}={gateway.token('p1', 'Lin')}"}
        roles = []
        for origin in (f"http://{gateway.address}", "https://evil.example"):
            async with gateway.socket(additional_headers=cookie, origin=origin) as client:
                await client.send(t="join")
                roles.append((await client.next())["me"]["role"])
    assert roles == ["viewer", "guest"]


async def test_rubbish_ends_only_its_own_connection() -> None:
    async with running_gateway() as gateway, gateway.viewer() as bystander:
        for rubbish in ("{", "[]", '{"t":"no such"}', '{"t":"comment"}', '{"t":"like","n":-1}', "null"):
            async with gateway.socket() as client:
                await client.connection.send(rubbish)
                assert await client.closed() == 4500
        assert (await bystander.ask(t="ping"))["t"] == "pong"


async def test_an_oversize_message_is_refused() -> None:
    async with running_gateway() as gateway, gateway.socket() as client:
        await client.send(t="comment", text="x" * 9_000)
        assert await client.closed() == 1009


async def test_fragments_are_put_together() -> None:
    async with running_gateway() as gateway, gateway.socket() as client:
        await client.connection.send(['{"t":', '"join"', "}"])
        assert (await client.next())["t"] == "snapshot"


async def test_a_flood_ends_the_connection() -> None:
    async with running_gateway() as gateway, gateway.viewer() as viewer:
        for _ in range(100):
            await viewer.send(t="like", n=1)
        assert await viewer.closed() == 4503


async def test_commands_before_joining_are_refused() -> None:
    async with running_gateway() as gateway, gateway.socket() as client:
        assert (await client.ask(t="like", n=1))["code"] == "not_joined"


async def test_a_leaving_gateway_sends_everyone_away_with_a_hint() -> None:
    async with running_gateway() as gateway, gateway.viewer() as viewer:
        await drain(gateway.sessions)
        assert 0 <= (await viewer.until("reconnect"))["after_ms"] < 2_000
        assert await viewer.closed() == 4000
        with pytest.raises(InvalidStatus):
            async with gateway.socket():
                pass


@pytest.mark.parametrize("viewers", [1, 500, 20_000, 33_333, 100_000])
def test_viewers_of_any_number_leave_in_time(viewers: int) -> None:
    batches = math.ceil(viewers / drain_batch(viewers))
    assert batches * DRAIN_PAUSE_SECONDS <= DRAIN_SECONDS


async def test_an_upgrade_behind_an_unanswered_request_is_refused() -> None:
    async with running_gateway() as gateway:
        upgrade = (
            f"GET /ws/{ROOM} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + upgrade.encode())
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await writer.wait_closed()
    assert b" 101 " not in answer


async def test_a_viewer_who_only_listens_is_pinged_and_stays() -> None:
    async with running_gateway() as gateway, gateway.viewer() as viewer:
        start = asyncio.get_running_loop().time()
        for second in range(1, 121):
            gateway.wheel.turn(start + second)
            if second % 10 == 0:
                assert (await viewer.ask(t="ping"))["t"] == "pong"


async def test_a_viewer_who_answers_no_ping_is_closed() -> None:
    async with running_gateway() as gateway, gateway.viewer() as viewer:
        viewer.connection.transport.pause_reading()
        start = asyncio.get_running_loop().time()
        for second in range(1, 61):
            gateway.wheel.turn(start + second)
        assert not any(connection.open for connection in gateway.sessions.joined)
        viewer.connection.transport.resume_reading()
        assert await viewer.closed() == 4002


async def test_who_never_joins_is_closed() -> None:
    async with running_gateway() as gateway, gateway.socket() as client:
        start = asyncio.get_running_loop().time()
        for second in range(1, 13):
            gateway.wheel.turn(start + second)
        assert await client.closed() == 4003


async def test_headers_without_end_are_not_collected() -> None:
    async with running_gateway() as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                writer.write(b"x: " + b"y" * 1_000 + b"\r\n")
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert len(gateway.server.server_state.connections) == 0


async def test_a_socket_that_will_not_end_is_ended() -> None:
    async with running_gateway() as gateway, gateway.socket() as client:
        (connection,) = gateway.server.server_state.connections
        await client.connection.send("rubbish")
        client.connection.transport.pause_reading()
        while connection.open:  # type: ignore[union-attr]  # noqa: ASYNC110 - it has a flag, not an event
            await asyncio.sleep(0)
        client.connection.transport.write(b"\x8a\x80\x00\x00\x00\x00" * 50)  # pongs that nobody asked for
        start = asyncio.get_running_loop().time()
        for second in range(1, 10):
            gateway.wheel.turn(start + second)
        client.connection.transport.resume_reading()
        await client.closed()
        assert not gateway.server.server_state.connections


async def test_presence_and_hearts_are_counted() -> None:
    async with running_gateway() as gateway, gateway.viewer() as one, gateway.viewer() as two:
        while (await one.until("viewers"))["n"] != 2:
            pass
        await two.send(t="like", n=3)
        likes = await one.until("likes")
        while likes["n"] != 3:
            likes = await one.until("likes")
        served = gateway.rooms.find(ROOM)
        assert served is not None
        assert served.presence.take(2).likes == 3


async def test_a_gateway_that_comes_late_knows_what_is_left_of_a_sale() -> None:
    async with running_gateway() as gateway:
        gateway.store.tell(ROOM, [opened(a_sale())])
        gateway.stock["sale-umbrella"] = StockCount(sale="sale-umbrella", v=7, available=4, held=5, sold=1)
        async with gateway.viewer() as viewer:
            assert viewer.heard[0]["stock"] == [
                {"sale": "sale-umbrella", "v": 7, "available": 4, "held": 5, "sold": 1}
            ]


async def test_a_muted_person_is_not_heard_and_is_told() -> None:
    async with (
        running_gateway() as gateway,
        gateway.viewer(gateway.token("p1", "Lin")) as viewer,
        gateway.viewer(gateway.token()) as host,
    ):
        await host.ask(t="mute", person="p1", seconds=60)
        verdict = await viewer.ask(t="comment", text="hello?")
    assert (verdict["result"], verdict["code"]) == ("rejected", "muted")


async def test_a_deleted_comment_is_gone_for_who_joins_later() -> None:
    async with running_gateway() as gateway, gateway.viewer(gateway.token()) as host:
        verdict = await host.ask(t="comment", text="a slip")
        await host.ask(t="delete", comment=verdict["comment"])
        async with gateway.viewer() as viewer:
            assert viewer.heard[0]["comments"] == []


async def test_a_gateway_that_comes_late_knows_the_last_comments_but_no_deleted_one() -> None:
    async with running_gateway() as gateway:
        lines = [
            CommentLine(comment=name, person=PersonCard(person="p", name="Lin"), text=name, at_ms=1)
            for name in ("kept", "gone")
        ]
        await gateway.comments.remember(ROOM, lines)
        gateway.store.tell(ROOM, rules.delete_comment("gone", 2))
        async with gateway.viewer() as viewer:
            assert [line["text"] for line in viewer.heard[0]["comments"]] == ["kept"]


async def test_folding_what_a_viewer_heard_gives_the_room() -> None:
    async with (
        running_gateway() as gateway,
        gateway.viewer() as viewer,
        gateway.viewer(gateway.token()) as host,
    ):
        for product in ("p-tea", "p-umbrella", "p-teapot"):
            await host.ask(t="pin", product=product)
        await host.ask(t="unpin", product="p-umbrella")
        await viewer.until("unpinned")
    log = gateway.store.logs[ROOM]
    heard = [message for message in viewer.heard if message["t"] in ("pinned", "unpinned")]
    assert [message["offset"] for message in heard] == [event.offset for event in log]
    assert rules.fold(a_room(), log) == gateway.store.rooms[ROOM].state
