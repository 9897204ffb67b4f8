"""uvicorn's HTTP connection, with the two guards it lacks before an upgrade."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from livecommerce.gateway.timing_wheel import TimingWheel

REQUEST_SECONDS = 10.0
"""How long a client may take to send a request's headers."""


class HttpProtocol(HttpToolsProtocol):
    """Closes connections that do not finish their request, and refuses upgrades out of turn."""

    def __init__(self, *args: Any, wheel: TimingWheel, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wheel = wheel
        self._deadline: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the clock."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._expect_headers()

    def on_message_begin(self) -> None:
        """A request begins; its headers must follow in time."""
        super().on_message_begin()
        if self._deadline is None:
            self._expect_headers()

    def on_headers_complete(self) -> None:
        """The headers are here."""
        self._deadline = None
        super().on_headers_complete()

    def _expect_headers(self) -> None:
        self._deadline = self.loop.time() + REQUEST_SECONDS
        self._wheel.add(self, REQUEST_SECONDS)

    def on_time(self, now: float) -> float | None:
        """Closes a connection whose headers are still missing."""
        if self._deadline is None or self.transport.is_closing():
            return None
        if now < self._deadline:
            return self._deadline - now
        self.transport.close()
        return None

    def handle_websocket_upgrade(self) -> None:
        """Hands over to the socket, unless an earlier response on this connection is still being written."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self.send_400_response("An upgrade cannot follow a request that is still being answered.")
            return
        super().handle_websocket_upgrade()
