"""A bare handshake: websockets' sans-I/O protocol as uvicorn's websocket class, and nothing behind it.

Prints its port; what it costs is read from outside.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from loadtests.handshake import JSON

BACKLOG = 4096


class Handshake(asyncio.Protocol):
    """Accepts, and says nothing more."""

    def __init__(
        self, config: Any, server_state: Any, app_state: Any, _loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        del config, app_state, _loop
        self._connections = server_state.connections
        self._protocol = ServerProtocol(subprotocols=[Subprotocol(JSON)], max_size=8 * 1024)
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes over from HTTP."""
        self._transport = transport  # type: ignore[assignment]
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone."""
        del exc
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Reads the request and answers it."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
        for answer in self._protocol.data_to_send():
            self._transport.write(answer)

    def shutdown(self) -> None:
        """uvicorn is leaving."""
        self._transport.close()


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """There is no application."""


def main() -> None:
    """Serves until it is ended."""
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as sock:
        print(sock.getsockname()[1], flush=True)
        config = uvicorn.Config(
            _nothing, http="httptools", ws=Handshake, loop="uvloop", lifespan="off", log_config=None
        )
        uvicorn.Server(config).run([sock])


if __name__ == "__main__":
    main()
