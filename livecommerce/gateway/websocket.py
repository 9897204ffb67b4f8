"""One viewer's socket: bytes in, typed messages out; frames that are already built go out as they are.

States: handshake → joining → joined → closing. Everything happens on the event loop's thread. There is
no task, queue or timer per connection: deadlines and pings come from the shared timing wheel, and what
the kernel does not take of a frame waits in the transport, with the limits of ``room/lanes.py``.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
from typing import TYPE_CHECKING, Any, Protocol

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol as FrameParser
from websockets.protocol import State
from websockets.server import ServerProtocol

from livecommerce.gateway.close_codes import Close
from livecommerce.gateway.encodings import ENCODINGS, JSON, Encoding
from livecommerce.gateway.frames import plain_frame
from livecommerce.gateway.handshake import (
    MAX_INBOUND_BYTES,
    Opening,
    handshaking,
    parser_log,
    plain_answer,
    thorough_answer,
)
from livecommerce.gateway.timing_wheel import TimingWheel
from livecommerce.room.lanes import CLOSE_ABOVE_BYTES, SKIP_ABOVE_BYTES, Lane

if TYPE_CHECKING:
    from uvicorn.server import ServerState

    from livecommerce.gateway.messages.from_client import ClientMessages
    from livecommerce.gateway.session import Session

JOIN_SECONDS = 10.0
PING_SECONDS = 25.0
PONG_SECONDS = 10.0
STALL_SECONDS = 10.0
BACKLOG_SECONDS = 2.0
"""How often a backlog is looked at."""
CLOSE_SECONDS = 5.0
SLICE_BYTES = 4 * 1024
"""How much of a read is parsed before the budget of messages is looked at again."""
MESSAGES_PER_SECOND = 20.0
MESSAGES_BURST = 60.0
NOTSENT_BYTES = 16 * 1024
"""Without it the kernel was seen to swallow 4.2 MB for a reader that stands still; with it, 84 KB."""

_PATH = re.compile(r"^/ws/([0-9A-Za-z]{28})$")
_PING = b"\x89\x00"


class ConnectionHandler(Protocol):
    """What the gateway does with connections."""

    draining: bool

    def admits(self, peer: str, forwarded_for: str) -> bool:
        """Whether one more connection may come from this address."""
        ...

    def received(self, connection: RoomProtocol, message: ClientMessages) -> None:
        """A message arrived; must not block."""
        ...

    def lost(self, connection: RoomProtocol) -> None:
        """The connection is gone; called once, also if it never joined."""
        ...


class RoomProtocol(asyncio.Protocol):
    """A connection to one room; see the module for its life."""

    __slots__ = (
        "_closing",
        "_connections",
        "_deadline",
        "_descriptor",
        "_fragments",
        "_handler",
        "_heard_at",
        "_kept",
        "_loop",
        "_lost",
        "_moved_at",
        "_pinged",
        "_protocol",
        "_queued",
        "_taken",
        "_tokens",
        "_tokens_at",
        "_transport",
        "_wheel",
        "cookie",
        "encoding",
        "fd",
        "host",
        "origin",
        "peer",
        "person",
        "room",
        "session",
        "wire",
    )

    def __init__(
        self,
        config: Any,  # noqa: ARG002 - uvicorn passes it
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn passes it
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        handler: ConnectionHandler,
        wheel: TimingWheel,
    ) -> None:
        self._loop = _loop or asyncio.get_running_loop()
        self._handler = handler
        self._wheel = wheel
        self._connections = server_state.connections
        self._protocol: ServerProtocol | None = None
        self._transport: asyncio.Transport = None  # type: ignore[assignment]
        self._descriptor = -1
        self.fd = -1
        self._fragments: list[bytes] = []
        self._heard_at = self._loop.time()
        self._pinged = False
        self._deadline = self._heard_at + JOIN_SECONDS
        self._kept = b""
        self._queued = 0
        self._taken = 0
        self._moved_at = 0.0
        self._closing = False
        self._lost = False
        self._tokens = MESSAGES_BURST
        self._tokens_at = self._heard_at
        self.wire: Encoding = JSON
        self.encoding = JSON.subprotocol
        self.room = ""
        self.person = ""
        self.cookie = ""
        self.origin = ""
        self.host = ""
        self.peer = ""
        self.session: Session | None = None

    # ------------------------------------------------------------ transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the connection over from HTTP."""
        self._transport = transport  # type: ignore[assignment]
        self._connections.add(self)  # type: ignore[arg-type]
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self._wheel.add(self, JOIN_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The transport is gone; its descriptor may soon belong to somebody else."""
        self.fd = self._descriptor = -1
        self._lost = True
        self._connections.discard(self)
        self._handler.lost(self)
        self.session = None

    def eof_received(self) -> None:
        """The peer sends no more."""
        self._library().receive_eof()
        self._answer_protocol()

    def data_received(self, data: bytes) -> None:
        """Reads plain frames itself, and has the library read the others and all that follow them."""
        self._heard_at = self._loop.time()
        self._pinged = False
        if self._protocol is None:
            data = self._take_plain(data)
        for start in range(0, len(data), SLICE_BYTES):
            if self._closing:
                self._drain_goodbye(data[start:])
                return
            self._library().receive_data(data[start : start + SLICE_BYTES])
            self._take_events()
            self._answer_protocol()

    def _take_plain(self, data: bytes) -> bytes:
        """Takes the plain frames in front; what is left begins with one that is not, or is not whole."""
        start, size = 0, len(data)
        while start < size and self._protocol is None:
            found = plain_frame(data, start, MAX_INBOUND_BYTES)
            if found is None:
                break
            start = found.end
            if self._spend() and found.is_message:
                self._hear(found.payload)
        return data[start:]

    def _library(self) -> ServerProtocol:
        """The parser and state machine for everything that is not plain; most connections never need it."""
        if self._protocol is None:
            self._protocol = ServerProtocol(state=State.OPEN, max_size=MAX_INBOUND_BYTES, logger=parser_log)
        return self._protocol

    def _take_events(self) -> None:
        for event in self._library().events_received():
            if self._closing:
                return
            if isinstance(event, Frame):
                self._receive(event)

    def _drain_goodbye(self, data: bytes) -> None:
        """After our own goodbye only the peer's is of interest; whatever else it sends is not answered."""
        if len(data) <= SLICE_BYTES:
            self._library().receive_data(data)
            self._library().events_received()
            self._answer_protocol()

    def resume_writing(self) -> None:
        """The transport's backlog is gone: write straight to the descriptor again."""
        if self._transport.get_write_buffer_size() == 0:
            self.fd = self._usable_descriptor()

    def shutdown(self) -> None:
        """uvicorn is leaving."""
        self.close(Close.DRAINING)

    # ------------------------------------------------------------ handshake

    def answer(self, opening: Opening) -> None:
        """Answers the request for this socket; called once, before anything is received."""
        match = _PATH.match(opening.path)
        if match is None:
            self._refuse(404, "There is no such socket.\n")
        elif not opening.fits():
            self._refuse(431, "This is more than a handshake needs.\n")
        elif self._handler.draining:
            self._refuse(503, "This server is leaving.\n")
        elif not self._handler.admits(self.peer, opening.header(b"x-forwarded-for")):
            self._refuse(429, "Too many connections.\n")
        elif (subprotocol := self._accept(opening)) is not None:
            self.room = match.group(1)
            self.cookie = opening.header(b"cookie")
            self.origin = opening.header(b"origin")
            self.host = opening.header(b"host")
            self.wire = ENCODINGS.get(subprotocol, JSON)
            self.encoding = self.wire.subprotocol
            self._use_descriptor()

    def _accept(self, opening: Opening) -> str | None:
        """Opens the socket and returns the chosen subprotocol, or refuses."""
        plain = plain_answer(opening)
        if plain is not None:
            response, subprotocol = plain
            self._transport.write(response)
            return subprotocol
        library = self._protocol = handshaking()
        library.send_response(thorough_answer(opening, library))
        self._answer_protocol()
        if library.state is not State.OPEN:
            return None
        library.parser = FrameParser.parse(library)  # the one from the start would wait for the request
        next(library.parser)
        return library.subprotocol or ""

    def _refuse(self, status: int, text: str) -> None:
        library = self._protocol = handshaking()
        library.send_response(library.reject(status, text))
        self._answer_protocol()

    def _use_descriptor(self) -> None:
        self._transport.set_write_buffer_limits(high=0)
        if self._transport.get_extra_info("ssl_object") is not None:
            return
        sock = self._transport.get_extra_info("socket")
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOTSENT_BYTES)
        self._descriptor = sock.fileno()

    # ------------------------------------------------------------ inbound

    def _receive(self, frame: Frame) -> None:
        if not self._spend() or frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        data = bytes(frame.data)
        if not frame.fin or self._fragments:
            self._fragments.append(data)
            if not frame.fin:
                return
            data = b"".join(self._fragments)
            self._fragments = []
        self._hear(data)

    def _hear(self, data: bytes) -> None:
        try:
            message = self.wire.decode(data)
        except (ValueError, TypeError, RecursionError):
            self.close(Close.BAD_MESSAGE)
            return
        self._handler.received(self, message)

    def _spend(self) -> bool:
        """Takes one message from this connection's budget; a flood ends the connection."""
        now = self._heard_at
        self._tokens = min(MESSAGES_BURST, self._tokens + (now - self._tokens_at) * MESSAGES_PER_SECOND) - 1
        self._tokens_at = now
        if self._tokens < 0:
            self.close(Close.FLOOD)
            return False
        return True

    def _answer_protocol(self) -> None:
        library = self._library()
        for data in library.data_to_send():
            if data:
                self._write(data)
            else:
                self._begin_closing()
                self._transport.close()
        if library.close_expected():
            self._begin_closing()

    def _begin_closing(self) -> None:
        """Whatever the peer does from now on, the connection is gone some seconds later."""
        self.fd = -1
        if not self._closing:
            self._closing = True
            self._deadline = self._loop.time() + CLOSE_SECONDS
            self._wheel.add(self, CLOSE_SECONDS)

    # ------------------------------------------------------------ outbound

    @property
    def open(self) -> bool:
        """Whether messages can still be sent."""
        return self._speaks and not self._transport.is_closing()

    @property
    def _speaks(self) -> bool:
        """Whether the handshake is done and nobody has said goodbye."""
        return self._protocol is None or self._protocol.state is State.OPEN

    def joined(self, session: Session) -> None:
        """The handler let this connection into the room."""
        self.session = session
        self.person = session.person.person
        self.cookie = self.origin = self.host = ""
        self._deadline = 0.0
        self._heard_at -= random.random() * PING_SECONDS  # noqa: S311 - pings of a storm must not fall together

    def send_messages(self, *messages: object) -> None:
        """Encodes and sends messages to this viewer alone, as one frame."""
        if self.open:
            self.send(self.wire.encode(messages), Lane.PERSONAL)

    def keep(self, *messages: object) -> None:
        """Encodes messages to this viewer alone, which leave in front of the next frame, or by ``let_go``."""
        if self.open:
            self._kept += self.wire.encode(messages)
            self.fd = -1

    def let_go(self) -> None:
        """Sends what was kept, if nothing has taken it along."""
        if self._kept:
            self.send(b"", Lane.PERSONAL)

    @property
    def backlog(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return self._transport.get_write_buffer_size()

    def send(self, frame: bytes, lane: Lane) -> None:
        """Sends through the transport, or skips, or gives up, as backlog and lane allow."""
        if not self.open:
            return
        backlog = self._transport.get_write_buffer_size()
        if backlog > CLOSE_ABOVE_BYTES:
            self.abandon()
        elif backlog <= SKIP_ABOVE_BYTES or lane <= Lane.PERSONAL:
            self._write(frame)

    def spill(self, rest: bytes) -> None:
        """Queues what the kernel did not take; until it is gone, all goes through the transport."""
        self._write(rest)

    def _write(self, data: bytes) -> None:
        if self._transport.is_closing():
            self.fd = -1  # uvloop raises on a closed handle, and one viewer's end is no other's trouble
            return
        if self._kept:
            data, self._kept = self._kept + data, b""
        if self._transport.get_write_buffer_size() == 0:
            self._moved_at = self._loop.time()
        self._queued += len(data)
        self._transport.write(data)
        self.fd = -1 if self._transport.get_write_buffer_size() else self._usable_descriptor()

    def _usable_descriptor(self) -> int:
        return self._descriptor if self.session is not None and self.open and not self._kept else -1

    def close(self, code: Close, reason: str = "") -> None:
        """Says goodbye; the transport ends when the peer answers, or after some seconds."""
        if self._speaks:
            self._library().send_close(code, reason or code.name.lower())
            self._answer_protocol()

    def abandon(self) -> None:
        """Ends a connection that does not read; the goodbye behind its backlog may never arrive."""
        self.close(Close.TOO_SLOW)
        self._transport.abort()

    # ------------------------------------------------------------ time

    def on_time(self, now: float) -> float | None:
        """Deadlines, pings and stalled readers."""
        if self._lost:
            return None
        if self._deadline:
            return self._on_deadline(now)
        if self._stalled(now):
            self.abandon()
            return None
        if self._transport.get_write_buffer_size():
            return BACKLOG_SECONDS
        if self._pinged:
            self.close(Close.NO_PONG)
            return None
        silent = now - self._heard_at
        if silent < PING_SECONDS - 1:
            return PING_SECONDS - silent
        self._pinged = True
        self.send(_PING, Lane.CONTROL)
        return PONG_SECONDS

    def _on_deadline(self, now: float) -> float | None:
        if now < self._deadline:
            return self._deadline - now
        if self._speaks and not self._closing:
            self.close(Close.NOT_JOINED)
        else:
            self._transport.abort()
        return None

    def _stalled(self, now: float) -> bool:
        """Whether there is a backlog of which nothing has left for too long."""
        taken = self._queued - self._transport.get_write_buffer_size()
        if taken > self._taken or self._taken == self._queued:
            self._moved_at = now
        self._taken = taken
        return taken < self._queued and now - self._moved_at > STALL_SECONDS
