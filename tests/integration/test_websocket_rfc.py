"""What RFC 6455 asks of a server, sent byte by byte; the numbers are its sections."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway import TestGateway, running_gateway
from tests.raw_socket import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    RawSocket,
    frame,
    goodbye,
    raw_connection,
    raw_socket,
    upgrade_request,
)
from tests.rooms import ROOM

PATH = f"/ws/{ROOM}"
ASK = b'{"t":"ping","id":1}'
PROTOCOL_ERROR, BAD_DATA, TOO_BIG = 1002, 1007, 1009


@pytest.fixture
async def gateway() -> AsyncIterator[TestGateway]:
    async with running_gateway() as gateway:
        yield gateway


async def code_after(gateway: TestGateway, *data: bytes) -> int:
    """How the server says goodbye to some bytes, and that it hangs up."""
    async with raw_socket(gateway.port, PATH) as raw:
        await raw.send(*data)
        code = (await raw.until(CLOSE)).code
        await raw.send(goodbye(code))
        await raw.ended()
        return code


async def assert_answers(raw: RawSocket) -> None:
    """The connection is alive and understood."""
    answer = await raw.until(TEXT)
    assert json.loads(answer.payload)[0]["t"] == "pong"


# ---------------------------------------------------------------- 4: opening


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Sec-WebSocket-Key": None}, 400),
        ({"Sec-WebSocket-Key": "too short"}, 400),
        ({"Sec-WebSocket-Version": None}, 400),
        ({"Sec-WebSocket-Version": "thirteen"}, 426),
        ({"Connection": "keep-alive"}, 404),  # 4.2.1: no upgrade is asked for, and no page is there
        ({"Upgrade": None}, 404),
        ({"Upgrade": "h2c"}, 404),
    ],
)
async def test_a_request_that_is_no_opening_handshake_is_refused(
    gateway: TestGateway, changes: dict[str, str | None], status: int
) -> None:
    async with raw_connection(gateway.port) as raw:
        assert (await raw.upgrade(PATH, changes))[0] == status


@pytest.mark.parametrize(
    ("line", "status"), [("POST {} HTTP/1.1", 405), ("GET {} HTTP/1.0", 400), ("GET {}x HTTP/1.1", 404)]
)
async def test_a_request_line_that_opens_no_socket_is_refused(
    gateway: TestGateway, line: str, status: int
) -> None:
    good = upgrade_request(PATH, {})
    async with raw_connection(gateway.port) as raw:
        await raw.send(line.format(PATH).encode() + good[good.index(b"\r\n") :])
        assert (await raw.head())[0] == status
        await raw.ended()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"X-Long": "x" * 60_000}, id="one long header"),
        pytest.param({f"X-{number}": "x" for number in range(2_000)}, id="many headers"),
        pytest.param({"X-Longer": "x" * 200_000}, id="a header beyond all limits"),
    ],
)
async def test_too_much_of_a_request_opens_no_socket_and_hurts_nobody_else(
    gateway: TestGateway, changes: dict[str, str | None]
) -> None:
    async with gateway.viewer() as other, raw_connection(gateway.port) as raw:
        with suppress(ConnectionError):
            await raw.send(upgrade_request(PATH, changes))
        assert b" 101 " not in await raw.rest()
        assert (await other.ask(t="ping"))["t"] == "pong"


async def test_a_request_line_beyond_all_limits_opens_no_socket(gateway: TestGateway) -> None:
    async with raw_connection(gateway.port) as raw:
        with suppress(ConnectionError):
            await raw.send(upgrade_request(PATH + "?" + "x" * 100_000, {}))
        assert b" 101 " not in await raw.rest()


async def test_frames_sent_before_the_answer_are_not_taken_for_part_of_the_request(
    gateway: TestGateway,
) -> None:
    async with gateway.viewer() as other, raw_connection(gateway.port) as raw:
        await raw.send(upgrade_request(PATH, {}), frame(TEXT, ASK)[:5])
        assert (await raw.head())[0] == 400
        await raw.ended()
        assert (await other.ask(t="ping"))["t"] == "pong"


async def test_another_version_is_refused_with_ours_named(gateway: TestGateway) -> None:
    async with raw_connection(gateway.port) as raw:
        status, head = await raw.upgrade(PATH, {"Sec-WebSocket-Version": "8"})
        assert status == 426
        assert "sec-websocket-version: 13" in head.lower()


@pytest.mark.parametrize("offered", [None, "chat.v1", "livecommerce.v2.json"])
async def test_no_subprotocol_is_named_that_was_not_offered(
    gateway: TestGateway, offered: str | None
) -> None:
    async with raw_connection(gateway.port) as raw:
        _, head = await raw.upgrade(PATH, {"Sec-WebSocket-Protocol": offered})
        assert "sec-websocket-protocol" not in head.lower()


async def test_compression_is_never_agreed_on_so_there_are_no_bombs(gateway: TestGateway) -> None:
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    async with raw_connection(gateway.port) as raw:
        status, head = await raw.upgrade(PATH, offer)
        assert status == 101
        assert "sec-websocket-extensions" not in head.lower()


async def test_a_request_that_comes_in_single_bytes_is_understood(gateway: TestGateway) -> None:
    async with raw_connection(gateway.port) as raw:
        for byte in upgrade_request(PATH, {}):
            await raw.send(bytes([byte]))
        assert (await raw.head())[0] == 101


# ---------------------------------------------------------------- 5: frames


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(TEXT, ASK, masked=False), id="5.1 an unmasked frame"),
        pytest.param(frame(TEXT, ASK, reserved=4), id="5.2 a reserved bit without an extension"),
        pytest.param(frame(TEXT, ASK, reserved=1), id="5.2 another reserved bit"),
        pytest.param(frame(0x3, ASK), id="5.2 an unknown data opcode"),
        pytest.param(frame(0xB, ASK), id="5.2 an unknown control opcode"),
        pytest.param(frame(CONT, ASK), id="5.4 a continuation of nothing"),
        pytest.param(frame(TEXT, b"{", fin=False) + frame(TEXT, ASK), id="5.4 a message inside another"),
        pytest.param(frame(PING, b"x", fin=False), id="5.5 a fragmented ping"),
        pytest.param(frame(PING, b"x" * 126), id="5.5 a ping of more than 125 bytes"),
        pytest.param(frame(CLOSE, b"x"), id="5.5.1 a goodbye of one byte"),
        *(
            pytest.param(goodbye(code), id=f"7.4.2 a goodbye with {code}, which is not defined")
            for code in (0, 999, 1016, 2999, 5000, 65535)
        ),
        *(
            pytest.param(goodbye(code), id=f"7.4.1 a goodbye with {code}, which must not be sent")
            for code in (1004, 1005, 1006, 1015)
        ),
    ],
)
async def test_what_the_protocol_forbids_ends_the_connection_with_1002(
    gateway: TestGateway, data: bytes
) -> None:
    assert await code_after(gateway, data) == PROTOCOL_ERROR


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(TEXT, b"\xff\xfe"), id="in one frame"),
        pytest.param(frame(TEXT, b'"\xe4\xbd', fin=False) + frame(CONT, b'"'), id="across two fragments"),
        pytest.param(frame(TEXT, b'"\xed\xa0\x80"'), id="a surrogate"),
        pytest.param(frame(TEXT, b'"\xc0\xaf"'), id="an overlong form"),
    ],
)
async def test_text_that_is_not_utf8_ends_the_connection(gateway: TestGateway, data: bytes) -> None:
    assert await code_after(gateway, data) in (BAD_DATA, 4500)


async def test_a_goodbye_whose_reason_is_not_utf8_ends_the_connection(gateway: TestGateway) -> None:
    assert await code_after(gateway, goodbye(1000, b"\xff")) == BAD_DATA


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(TEXT, b" " * 8193), id="in one frame"),
        pytest.param(frame(TEXT, b" " * 5000, fin=False) + frame(CONT, b" " * 5000), id="by fragments"),
        pytest.param(frame(TEXT, length=b"\x7f" + struct.pack("!Q", 2**40)), id="announced only"),
    ],
)
async def test_a_message_over_8_kib_ends_the_connection(gateway: TestGateway, data: bytes) -> None:
    assert await code_after(gateway, data) == TOO_BIG


async def test_a_length_with_its_highest_bit_set_ends_the_connection(gateway: TestGateway) -> None:
    data = frame(TEXT, length=b"\x7f" + b"\xff" * 8)
    assert await code_after(gateway, data) in (PROTOCOL_ERROR, TOO_BIG)


@pytest.mark.parametrize(
    "length",
    [
        pytest.param(b"\x7e" + struct.pack("!H", len(ASK)), id="16 bits"),
        pytest.param(b"\x7f" + struct.pack("!Q", len(ASK)), id="64 bits"),
    ],
)
async def test_a_length_written_longer_than_needed_is_refused_or_means_the_same(
    gateway: TestGateway, length: bytes
) -> None:
    async with raw_socket(gateway.port, PATH) as raw:
        await raw.send(frame(TEXT, ASK, length=length))
        answer = await raw.receive()
        assert answer.opcode == TEXT or answer.code == PROTOCOL_ERROR


@pytest.mark.parametrize("content", [b"", b"x" * 125])
async def test_a_ping_of_any_allowed_size_is_answered(gateway: TestGateway, content: bytes) -> None:
    async with raw_socket(gateway.port, PATH) as raw:
        await raw.send(frame(PING, content))
        assert (await raw.until(PONG)).payload == content


async def test_a_ping_is_answered_with_its_own_content_also_between_fragments(gateway: TestGateway) -> None:
    async with raw_socket(gateway.port, PATH) as raw:
        await raw.send(frame(TEXT, ASK[:5], fin=False), frame(PING, b"echo"), frame(CONT, ASK[5:]))
        answers = {received.opcode: received.payload for received in [await raw.receive() for _ in range(2)]}
        assert answers[PONG] == b"echo"
        assert json.loads(answers[TEXT])[0]["t"] == "pong"


async def test_a_pong_that_nobody_asked_for_is_ignored(gateway: TestGateway) -> None:
    async with raw_socket(gateway.port, PATH) as raw:
        await raw.send(frame(PONG, b"?"), frame(TEXT, ASK))
        await assert_answers(raw)


async def test_a_character_may_be_split_between_fragments(gateway: TestGateway) -> None:
    text = '{"t":"ping","id":1,"x":"你"}'.encode()
    cut = text.index("你".encode()) + 1
    async with raw_socket(gateway.port, PATH) as raw:
        await raw.send(frame(TEXT, text[:cut], fin=False), frame(CONT, text[cut:]))
        await assert_answers(raw)


@pytest.mark.parametrize("code", [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999])
async def test_a_goodbye_is_answered_with_its_code_and_the_connection_ends(
    gateway: TestGateway, code: int
) -> None:
    async with raw_socket(gateway.port, PATH) as raw:
        await raw.send(goodbye(code))
        assert (await raw.until(CLOSE)).code == code
        await raw.ended()


async def test_a_goodbye_without_a_code_is_answered(gateway: TestGateway) -> None:
    async with raw_socket(gateway.port, PATH) as raw:
        await raw.send(frame(CLOSE))
        await raw.until(CLOSE)
        await raw.ended()


async def test_nothing_is_answered_after_the_goodbye(gateway: TestGateway) -> None:
    async with raw_socket(gateway.port, PATH) as raw:
        await raw.send(goodbye(1000), frame(TEXT, ASK), frame(PING, b"?"))
        await raw.until(CLOSE)
        assert await raw.reader.read() == b""


@pytest.mark.parametrize(
    ("first", "flood", "code"),
    [
        pytest.param(b"", frame(PING, b"x"), 4503, id="pings"),
        pytest.param(b"", frame(PONG), 4503, id="pongs"),
        pytest.param(b"", frame(TEXT, ASK), 4503, id="messages"),
        pytest.param(b"", frame(TEXT), 4500, id="empty messages"),
        pytest.param(frame(TEXT, fin=False), frame(CONT, fin=False), 4503, id="empty fragments"),
        pytest.param(b"", goodbye(1000), 1000, id="goodbyes"),
    ],
)
async def test_a_flood_of_small_frames_ends_the_connection_only(
    gateway: TestGateway, first: bytes, flood: bytes, code: int
) -> None:
    async with gateway.viewer() as other, raw_socket(gateway.port, PATH) as raw:
        await raw.send(first, flood * 2000)
        assert (await raw.until(CLOSE)).code == code
        assert (await other.ask(t="ping"))["t"] == "pong"


@pytest.mark.parametrize("half", [b"", b"\x81", frame(TEXT, ASK)[:9], frame(TEXT, ASK[:9], fin=False)])
async def test_who_hangs_up_in_the_middle_of_anything_leaves_nothing_behind(
    gateway: TestGateway, half: bytes
) -> None:
    async with gateway.viewer() as other:
        async with raw_socket(gateway.port, PATH) as raw:
            await raw.send(half)
            raw.writer.write_eof()
            await raw.ended()
        assert (await other.ask(t="ping"))["t"] == "pong"
        assert len(gateway.server.server_state.connections) == 1


# ---------------------------------------------------------------- whatever comes


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rubbish=st.lists(st.binary(max_size=300), max_size=6))
def test_no_bytes_end_the_process_or_another_ones_session(rubbish: list[bytes]) -> None:
    async def attack() -> None:
        async with running_gateway() as gateway, gateway.viewer() as other:
            async with raw_socket(gateway.port, PATH) as raw:
                for data in rubbish:
                    await raw.send(data)
            assert (await other.ask(t="ping"))["t"] == "pong"

    asyncio.run(attack())


@settings(max_examples=40)
@given(cuts=st.sets(st.integers(1, len(ASK) - 1)), pings=st.booleans(), at_once=st.booleans())
def test_a_message_is_the_same_however_it_is_cut(cuts: set[int], pings: bool, at_once: bool) -> None:
    places = [0, *sorted(cuts), len(ASK)]
    parts = [ASK[start:end] for start, end in pairwise(places)]
    frames: list[bytes] = []
    for number, part in enumerate(parts):
        frames.append(frame(CONT if number else TEXT, part, fin=number == len(parts) - 1))
        if pings and number < len(parts) - 1:
            frames.append(frame(PING, b"between"))

    async def attempt() -> None:
        async with running_gateway() as gateway, raw_socket(gateway.port, PATH) as raw:
            if at_once:
                await raw.send(*frames)
            else:
                for byte in b"".join(frames):
                    await raw.send(bytes([byte]))
            await assert_answers(raw)

    asyncio.run(attempt())


@pytest.mark.parametrize(
    ("subprotocol", "data"),
    [
        ("livecommerce.v1.json", frame(BINARY, b"\x81\xa1t\xa4ping")),
        ("livecommerce.v1.msgpack", frame(TEXT, ASK)),
    ],
)
async def test_the_other_encodings_messages_are_none(
    gateway: TestGateway, subprotocol: str, data: bytes
) -> None:
    offer = {"Sec_WebSocket_Protocol": subprotocol}
    async with gateway.viewer() as other, raw_socket(gateway.port, PATH, **offer) as raw:
        await raw.send(data)
        assert (await raw.until(CLOSE)).code == 4500
        assert (await other.ask(t="ping"))["t"] == "pong"
