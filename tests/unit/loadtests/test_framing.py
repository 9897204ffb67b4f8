"""The load generator's frames, against the parser of the websockets library."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as TheirFrame
from websockets.frames import Opcode as TheirOpcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from loadtests.framing import UNMASKED, BadFrame, Frame, FrameCounter, FrameReader, Opcode, client_frame
from loadtests.handshake import JSON, HandshakeFailed, check_response, new_key, opening_request


def a_server() -> ServerProtocol:
    """A server that is past the handshake."""
    return ServerProtocol(state=State.OPEN, max_size=None)


@given(st.binary(max_size=70_000), st.sampled_from([None, UNMASKED]))
def test_a_server_reads_what_we_frame(payload: bytes, mask: bytes | None) -> None:
    server = a_server()
    server.receive_data(client_frame(Opcode.BINARY, payload, mask))
    (frame,) = server.events_received()
    assert isinstance(frame, TheirFrame)
    assert (frame.opcode, bytes(frame.data)) == (TheirOpcode.BINARY, payload)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_lengths_change_their_form_where_the_standard_says(size: int) -> None:
    server = a_server()
    server.receive_data(client_frame(Opcode.TEXT, b"x" * size))
    (frame,) = server.events_received()
    assert isinstance(frame, TheirFrame)
    assert len(frame.data) == size


@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(1, 50))
def test_we_read_what_a_server_frames_however_it_is_cut(payloads: list[bytes], cut: int) -> None:
    sent = b"".join(TheirFrame(TheirOpcode.BINARY, payload).serialize(mask=False) for payload in payloads)
    reader = FrameReader()
    read = [frame for start in range(0, len(sent), cut) for frame in reader.feed(sent[start : start + cut])]
    assert read == [Frame(Opcode.BINARY, payload) for payload in payloads]


@given(
    st.lists(st.tuples(st.sampled_from(["text", "ping"]), st.integers(0, 70_000)), max_size=6),
    st.integers(1, 3_000),
)
def test_the_counter_counts_what_the_reader_reads(plan: list[tuple[str, int]], cut: int) -> None:
    sent = b"".join(
        TheirFrame(TheirOpcode.TEXT, b"x" * size).serialize(mask=False)
        if kind == "text"
        else TheirFrame(TheirOpcode.PING, b"").serialize(mask=False)
        for kind, size in plan
    )
    counter, buffer = FrameCounter(), bytearray(cut)
    for start in range(0, len(sent), cut):
        piece = sent[start : start + cut]
        buffer[: len(piece)] = piece
        counter.feed(buffer, len(piece))
    kinds = [kind for kind, _ in plan]
    assert (counter.frames, counter.pings) == (kinds.count("text"), kinds.count("ping"))


def test_the_counter_tells_the_close_code() -> None:
    counter = FrameCounter()
    frame = bytearray(TheirFrame(TheirOpcode.CLOSE, (4001).to_bytes(2)).serialize(mask=False))
    counter.feed(frame, len(frame))
    assert counter.close_code == 4001


def test_fragments_are_joined_around_a_ping() -> None:
    parts = [
        TheirFrame(TheirOpcode.TEXT, b"Hel", fin=False),
        TheirFrame(TheirOpcode.PING, b"?"),
        TheirFrame(TheirOpcode.CONT, b"lo"),
    ]
    read = FrameReader().feed(b"".join(part.serialize(mask=False) for part in parts))
    assert read == [Frame(Opcode.PING, b"?"), Frame(Opcode.TEXT, b"Hello")]


@pytest.mark.parametrize(
    "wrong",
    [
        TheirFrame(TheirOpcode.TEXT, b"x").serialize(mask=True),
        TheirFrame(TheirOpcode.CONT, b"x").serialize(mask=False),
        b"\x83\x00",
    ],
)
def test_what_a_server_may_not_send_is_refused(wrong: bytes) -> None:
    with pytest.raises(BadFrame):
        FrameReader().feed(wrong)


def test_a_close_frame_tells_its_code() -> None:
    assert Frame(Opcode.CLOSE, (4001).to_bytes(2) + b"slow").close_code == 4001
    assert Frame(Opcode.CLOSE, b"").close_code == 1005


def handshake(subprotocol: str) -> tuple[bytes, str]:
    """A real server's answer to our request, and our key."""
    server = ServerProtocol(subprotocols=[Subprotocol(subprotocol)])
    key = new_key()
    server.receive_data(opening_request("127.0.0.1:8000", "/ws/room", key))
    (request,) = server.events_received()
    assert isinstance(request, Request)
    server.send_response(server.accept(request))
    return b"".join(server.data_to_send()).partition(b"\r\n\r\n")[0], key


def test_a_server_opens_the_socket_that_we_ask_for() -> None:
    head, key = handshake(JSON)
    check_response(head, key)


def test_an_answer_to_another_key_is_refused() -> None:
    head, _ = handshake(JSON)
    with pytest.raises(HandshakeFailed):
        check_response(head, new_key())


def test_a_refusal_tells_the_status_line() -> None:
    with pytest.raises(HandshakeFailed, match="503"):
        check_response(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0", new_key())
