"""A room on ``websockets.broadcast``, which the library offers for this."""

from __future__ import annotations

import asyncio

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from loadtests.peers.orders import obey

BACKLOG = 4096
sockets: set[ServerConnection] = set()


async def room(socket: ServerConnection) -> None:
    """One viewer."""
    sockets.add(socket)
    try:
        await socket.wait_closed()
    finally:
        sockets.discard(socket)


async def tell(message: str) -> None:
    """To everybody; a slow one is skipped."""
    broadcast(sockets, message)
    await asyncio.sleep(0)


async def main() -> None:
    """Serves until it is ended."""
    async with serve(room, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=BACKLOG) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await obey(tell)


if __name__ == "__main__":
    uvloop.run(main())
