from __future__ import annotations

import asyncio
import itertools
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.endpoint import tcp
from media.endpoint.tcp import MAX_FRAME, MAX_PER_HOST, MAX_UNSENT_BYTES, Connection, TcpListener


class Line:
    """The transport of one connection."""

    def __init__(self) -> None:
        self.written = b""
        self.unsent = 0
        self.is_open = True
        self.closed = asyncio.Event()

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        return ("192.0.2.1", 4000)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        """What is unsent stays so: the other side reads nothing."""

    def abort(self) -> None:
        self.is_open = False
        self.closed.set()


class Ends:
    """A listener, and what it heard."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.lost: list[Connection] = []
        self.listener = TcpListener(lambda data, _: self.frames.append(data), lambda: None, self.lost.append)

    def connect(self) -> tuple[Connection, Line]:
        connection, line = Connection(self.listener), Line()
        connection.connection_made(cast(asyncio.Transport, line))
        return connection, line


def framed(frames: list[bytes]) -> bytes:
    return b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames)


async def receive(stream: bytes, cuts: list[int]) -> Ends:
    ends = Ends()
    connection, _ = ends.connect()
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    for start, end in itertools.pairwise(edges):
        connection.data_received(stream[start:end])
    connection.connection_lost(None)
    return ends


@given(st.lists(st.binary(max_size=60), max_size=8), st.lists(st.integers(0, 500), max_size=12))
def test_frames_come_whole_however_the_stream_is_cut(frames: list[bytes], cuts: list[int]) -> None:
    assert asyncio.run(receive(framed(frames), cuts)).frames == frames


@given(st.binary(max_size=5000), st.lists(st.integers(0, 5000), max_size=5))
def test_rubbish_yields_frames_within_the_limit_or_an_end(stream: bytes, cuts: list[int]) -> None:
    ends = asyncio.run(receive(stream, cuts))

    assert all(len(frame) <= MAX_FRAME for frame in ends.frames)
    assert len(ends.lost) == 1


async def test_a_frame_larger_than_any_packet_ends_the_connection() -> None:
    ends = Ends()
    connection, line = ends.connect()

    connection.data_received((MAX_FRAME + 1).to_bytes(2, "big"))

    assert not line.is_open
    assert ends.frames == []


async def test_what_is_sent_is_framed_and_a_line_too_far_behind_gets_no_more() -> None:
    connection, line = Ends().connect()

    assert connection.send(b"one")
    line.unsent = MAX_UNSENT_BYTES + 1
    assert not connection.send(b"two")

    assert line.written == b"\x00\x03one"
    assert connection.dropped == 1


async def test_a_connection_over_which_no_check_came_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "UNKNOWN_SECONDS", 0.0)
    ends = Ends()
    _, stranger = ends.connect()
    known, line = ends.connect()
    known.is_known = True
    await stranger.closed.wait()

    assert (stranger.is_open, line.is_open) == (False, True)


async def test_a_closed_connection_does_not_wait_for_ever_for_its_last_packets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp, "UNSENT_SECONDS", 0.0)
    connection, line = Ends().connect()
    connection.is_known = True

    connection.close_when_sent()
    async with asyncio.timeout(5):
        await line.closed.wait()

    assert not line.is_open


async def test_one_host_cannot_take_every_connection_and_gives_back_what_it_closes() -> None:
    ends = Ends()
    opened = [ends.connect() for _ in range(MAX_PER_HOST + 1)]
    assert [line.is_open for _, line in opened] == [True] * MAX_PER_HOST + [False]

    opened[0][0].connection_lost(None)

    assert ends.connect()[1].is_open
    assert len(ends.listener.connections) == MAX_PER_HOST
    assert tcp.MAX_CONNECTIONS > MAX_PER_HOST
