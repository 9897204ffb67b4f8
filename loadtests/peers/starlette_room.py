"""A room on plain Starlette under uvicorn, as its documentation shows a socket: one task a connection."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from loadtests.peers.orders import obey

BACKLOG = 4096
sockets: set[WebSocket] = set()


async def room(socket: WebSocket) -> None:
    """One viewer."""
    await socket.accept()
    sockets.add(socket)
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        sockets.discard(socket)


async def broadcast(message: str) -> None:
    """To everybody, one after the other."""
    for socket in tuple(sockets):
        with suppress(RuntimeError, WebSocketDisconnect):  # it is leaving
            await socket.send_text(message)


@asynccontextmanager
async def obeying(_application: Starlette) -> Any:
    """Listens to the benchmark while it serves."""
    orders = asyncio.create_task(obey(broadcast))
    yield
    orders.cancel()


def main() -> None:
    """Serves until it is ended."""
    application = Starlette(routes=[WebSocketRoute("/", room)], lifespan=obeying)
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        backlog=BACKLOG,
        log_config=None,
    )
    sock = config.bind_socket()
    sock.listen(BACKLOG)
    print(sock.getsockname()[1], flush=True)
    uvicorn.Server(config).run([sock])


if __name__ == "__main__":
    main()
