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
"""Headers and what arrives in one read with their end."""


class HttpProtocol(HttpToolsProtocol):
    """Closes connections that do not finish their request, and refuses upgrades out of turn."""

    def __init__(self, *args: Any, wheel: TimingWheel, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wheel = wheel
        self._deadline: float | None = None
        self._header_bytes = 0
        self._in_headers = True
        self._read = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the clock."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._expect(REQUEST_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Feeds the parser; headers without end are not collected."""
        if self._in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self.transport.close()
                return
        self._read = len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins; its headers must follow in time."""
        super().on_message_begin()
        self._in_headers = True
        if self._deadline is None:
            self._expect(REQUEST_SECONDS)

    def on_headers_complete(self) -> None:
        """The headers are here; a body must follow in time."""
        self._in_headers = False
        self._header_bytes = 0
        if self._deadline is not None:
            self._deadline += BODY_SECONDS
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is here; answering it takes as long as it takes."""
        self._deadline = None
        super().on_message_complete()

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
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            return "An upgrade cannot follow a request that is still being answered."
        if self.scope["http_version"] != "1.1":
            return "An upgrade needs HTTP/1.1 (RFC 6455 4.2.1)."
        upgrade = sys.exception()  # the parser raises it with the position where the request ends
        if isinstance(upgrade, HttpParserUpgrade) and upgrade.args[0] < self._read:
            return "Frames are sent after the answer to the upgrade (RFC 6455 4.1)."
        return None
