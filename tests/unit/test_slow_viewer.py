"""A viewer who reads slowly is skipped, then closed; one who reads a little stays."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from livecommerce.gateway.close_codes import Close
from livecommerce.gateway.encodings import JSON
from livecommerce.gateway.handshake import Opening
from livecommerce.gateway.messages import to_client
from livecommerce.gateway.session import Session
from livecommerce.gateway.timing_wheel import TimingWheel
from livecommerce.gateway.websocket import STALL_SECONDS, RoomProtocol
from livecommerce.room.fanout import Broadcast
from livecommerce.room.lanes import CLOSE_ABOVE_BYTES, SKIP_ABOVE_BYTES, Lane
from tests.raw_socket import PONG, frame
from tests.rooms import ROOM

PLAIN_HEADERS = (
    (b"connection", b"Upgrade"),
    (b"upgrade", b"websocket"),
    (b"sec-websocket-version", b"13"),
    (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
)


class SlowTransport:
    """A transport whose far end reads only when the test says so."""

    def __init__(self) -> None:
        self.backlog = 0
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.backlog += len(data)
        self.written.append(data)

    def read_by_peer(self, size: int) -> None:
        self.backlog -= size

    def get_write_buffer_size(self) -> int:
        return self.backlog

    def set_write_buffer_limits(self, high: int) -> None:
        assert high == 0

    def get_extra_info(self, name: str) -> object:
        return object() if name == "ssl_object" else None  # TLS: nothing is written around the transport

    def is_closing(self) -> bool:
        return self.aborted

    def close(self) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True


class Clock:
    """An event loop's clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now


class Viewer:
    """A joined connection."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.transport = SlowTransport()
        handler = SimpleNamespace(
            draining=False, admits=lambda *_: True, received=lambda *_: None, lost=lambda *_: None
        )
        state: Any = SimpleNamespace(connections=set())
        loop = cast("Any", self.clock)
        self.protocol = RoomProtocol(None, state, {}, loop, handler=handler, wheel=TimingWheel())
        self.protocol.connection_made(cast("Any", self.transport))
        self.protocol.answer(Opening("GET", f"/ws/{ROOM}", PLAIN_HEADERS))
        self.protocol.joined(cast("Session", SimpleNamespace(person=SimpleNamespace(person="p"))))
        self.transport.backlog = 0
        self.transport.written.clear()
        self.protocol.data_received(frame(PONG))  # heard from just now, so no ping is due for a while

    def send(self, size: int, lane: Lane) -> bool:
        """Whether something was queued for the viewer."""
        before = self.transport.backlog
        self.protocol.send(b"x" * size, lane)
        return self.transport.backlog > before

    def after(self, seconds: float) -> None:
        """Time passes, and the wheel looks at the connection every second."""
        end = self.clock.now + seconds
        while self.clock.now < end and not self.transport.aborted:
            self.clock.now += 1
            self.protocol.on_time(self.clock.now)


@pytest.fixture
def viewer() -> Viewer:
    return Viewer()


def test_up_to_the_first_limit_everything_is_queued(viewer: Viewer) -> None:
    assert viewer.send(SKIP_ABOVE_BYTES, Lane.CROWD)
    assert viewer.send(1, Lane.CROWD)


@pytest.mark.parametrize("lane", [Lane.CROWD, Lane.STATE])
def test_past_it_what_may_be_missed_is_skipped(viewer: Viewer, lane: Lane) -> None:
    viewer.send(SKIP_ABOVE_BYTES + 1, Lane.CONTROL)
    assert not viewer.send(100, lane)


@pytest.mark.parametrize("lane", [Lane.CONTROL, Lane.PERSONAL])
def test_past_it_what_must_arrive_is_still_queued(viewer: Viewer, lane: Lane) -> None:
    viewer.send(SKIP_ABOVE_BYTES + 1, Lane.CONTROL)
    assert viewer.send(100, lane)


def test_past_the_second_limit_the_connection_is_ended_and_takes_no_more_memory(viewer: Viewer) -> None:
    viewer.send(CLOSE_ABOVE_BYTES + 1, Lane.CONTROL)
    for _ in range(100):
        viewer.send(10_000, Lane.CONTROL)
    assert viewer.transport.aborted
    assert viewer.transport.backlog < CLOSE_ABOVE_BYTES + 10_000


def test_who_reads_nothing_is_closed_after_a_while(viewer: Viewer) -> None:
    viewer.send(1_000, Lane.CONTROL)
    viewer.after(STALL_SECONDS - 1)
    assert not viewer.transport.aborted
    viewer.after(3)
    assert viewer.transport.aborted


def test_more_being_queued_does_not_count_as_reading(viewer: Viewer) -> None:
    for _ in range(int(STALL_SECONDS) + 2):
        viewer.send(1_000, Lane.CONTROL)
        viewer.after(1)
    assert viewer.transport.aborted


def test_who_reads_a_little_stays(viewer: Viewer) -> None:
    viewer.send(50_000, Lane.CONTROL)
    for _ in range(5):
        viewer.after(STALL_SECONDS - 2)
        viewer.transport.read_by_peer(100)
    assert not viewer.transport.aborted


def test_an_empty_backlog_never_counts_as_standing_still(viewer: Viewer) -> None:
    viewer.send(1_000, Lane.CONTROL)
    viewer.transport.read_by_peer(1_000)
    viewer.after(STALL_SECONDS + 5)
    assert not viewer.transport.aborted


def test_an_answer_that_was_kept_leaves_in_front_of_the_next_frame(viewer: Viewer) -> None:
    viewer.protocol.keep(to_client.Pong(id=1, server_ms=2))
    assert viewer.transport.written == []
    viewer.protocol.send(b"frame", Lane.CROWD)
    assert viewer.transport.written == [JSON.encode([to_client.Pong(id=1, server_ms=2)]) + b"frame"]
    viewer.protocol.let_go()
    assert len(viewer.transport.written) == 1


def test_an_answer_that_nothing_takes_along_leaves_by_itself(viewer: Viewer) -> None:
    viewer.send(SKIP_ABOVE_BYTES + 1, Lane.CONTROL)
    viewer.protocol.keep(to_client.Pong(id=1, server_ms=2))
    assert not viewer.send(100, Lane.CROWD)
    viewer.protocol.let_go()
    assert viewer.transport.written[-1] == JSON.encode([to_client.Pong(id=1, server_ms=2)])


def test_the_goodbye_comes_after_what_was_kept(viewer: Viewer) -> None:
    viewer.protocol.keep(to_client.Pong(id=1, server_ms=2))
    viewer.protocol.close(Close.DRAINING)
    assert viewer.transport.written[-1].startswith(JSON.encode([to_client.Pong(id=1, server_ms=2)]) + b"\x88")


@pytest.mark.parametrize("backlog", [0, SKIP_ABOVE_BYTES, SKIP_ABOVE_BYTES + 1])
def test_what_goes_along_with_an_event_is_spared_a_slow_viewer_and_the_event_is_not(
    viewer: Viewer, backlog: int
) -> None:
    viewer.transport.backlog = backlog
    said, news = to_client.Likes(n=3), to_client.Viewers(n=2)
    Broadcast(JSON.encode, Lane.CONTROL, [news], [said]).send(viewer.protocol)
    told = [JSON.encode([said, news])] if not backlog else [JSON.encode([said]), JSON.encode([news])]
    assert viewer.transport.written == (told if backlog <= SKIP_ABOVE_BYTES else told[1:])
