"""uvicorn's HTTP connection, with the guards it lacks before an upgrade."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from httptools import HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from livecommerce.gateway.handshake import Opening
from livecommerce.gateway.timing_wheel import TimingWheel

if TYPE_CHECKING:
    from livecommerce.gateway.websocket import RoomProtocol

Connect = Callable[[uvicorn.Config, ServerState, dict[str, Any]], "RoomProtocol"]
"""What the server was given for sockets."""

REQUEST_SECONDS = 10.0
"""How long a client may take to send a request's headers."""
BODY_SECONDS = 30.0
"""How much longer it may take for the body."""
MAX_HEADER_BYTES = 64 * 1024
"""Headers and what arrives in one read with their end; also trailers, give or take a read."""
MAX_PIPELINED = 8
"""Requests that wait for the answer to the one in front; browsers send none so."""
STALL_SECONDS = 30.0
"""How long a client may take nothing of what it asked for."""


class HttpProtocol(HttpToolsProtocol):
    """Closes connections that do not finish their request or take no answer, refuses upgrades out of turn."""

    def __init__(self, *args: Any, wheel: TimingWheel, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wheel = wheel
        self._deadline: float | None = None
        self._undelivered = 0
        self._in_headers = True
        self._read = 0
        self._stall: _Stall | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the clock."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._expect(REQUEST_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Feeds the parser; headers and trailers without end are not collected."""
        if self._undelivered + (len(data) if self._in_headers else 0) > MAX_HEADER_BYTES:
            self.transport.close()
            return
        if self._deadline is None and not self._is_answering():
            self._expect(REQUEST_SECONDS)  # also for what the parser skips without a word
        self._undelivered += len(data)
        self._read = len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins; its headers must follow in time.

        Raises:
            OverflowError: too many wait in front of it; the parser makes it a 400 and an end.
        """
        if len(self.pipeline) >= MAX_PIPELINED:
            raise OverflowError
        super().on_message_begin()
        self._in_headers = True
        if self._deadline is None:
            self._expect(REQUEST_SECONDS)

    def on_headers_complete(self) -> None:
        """The headers are here; a body must follow in time."""
        self._in_headers = False
        self._undelivered = 0
        if self._deadline is not None:
            self._deadline += BODY_SECONDS
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body is here."""
        self._undelivered = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here; answering it takes as long as it takes."""
        self._undelivered = 0
        self._deadline = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written, which does not mean that it was sent."""
        super().on_response_complete()
        self._watch_reader()

    def pause_writing(self) -> None:
        """The client does not keep up."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.moved()

    def _watch_reader(self) -> None:
        if self.transport.get_write_buffer_size() and (self._stall is None or self._stall.is_over):
            self._stall = _Stall(self.transport)
            self._wheel.add(self._stall, STALL_SECONDS)

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _expect(self, seconds: float) -> None:
        self._deadline = self.loop.time() + seconds
        self._wheel.add(self, seconds)

    def on_time(self, now: float) -> float | None:
        """Closes a connection whose request is still not whole."""
        if self._deadline is None or self.transport.is_closing():
            return None
        if now < self._deadline:
            return self._deadline - now
        self.transport.close()
        return None

    def handle_websocket_upgrade(self) -> None:
        """Hands over to the socket, unless the request has no right to one."""
        self._deadline = None
        if (fault := self._fault_of_upgrade()) is not None:
            self.send_400_response(fault)
            return
        self.connections.discard(self)
        opening = Opening(self.scope["method"], self.url.decode("latin-1"), self.headers)
        connect = cast("Connect", self.ws_protocol_class)
        connection = connect(self.config, self.server_state, self.app_state)
        connection.connection_made(self.transport)
        self.transport.set_protocol(connection)
        self.parser = None  # type: ignore[assignment] # it holds on to this object, as this one to it
        connection.answer(opening)

    def _fault_of_upgrade(self) -> str | None:
        if self._is_answering():
            return "An upgrade cannot follow a request that is still being answered."
        if self.scope["http_version"] != "1.1":
            return "An upgrade needs HTTP/1.1 (RFC 6455 4.2.1)."
        upgrade = sys.exception()  # the parser raises it with the position where the request ends
        if isinstance(upgrade, HttpParserUpgrade) and upgrade.args[0] < self._read:
            return "Frames are sent after the answer to the upgrade (RFC 6455 4.1)."
        return None


class _Stall:
    """Ends a connection of whose answer nothing has left from one look to the next."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.is_over = False
        self._transport = transport
        self._unsent = transport.get_write_buffer_size()

    def moved(self) -> None:
        """Much has left, and as much may come after it."""
        self._unsent = -1

    def on_time(self, now: float) -> float | None:  # noqa: ARG002 - looks are as far apart as is allowed
        """Looks."""
        before, self._unsent = self._unsent, self._transport.get_write_buffer_size()
        if self._unsent == before:
            self._transport.abort()
        self.is_over = self._unsent in (0, before)
        return None if self.is_over else STALL_SECONDS
