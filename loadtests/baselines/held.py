"""Connections that are only held: uvloop, one transport and one empty protocol object each.

Prints its port; what it costs is read from outside.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

BACKLOG = 4096


class Held(asyncio.Protocol):
    """Keeps its transport alive, and nothing else."""

    __slots__ = ("transport",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection is there."""
        self.transport = transport


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Held, "127.0.0.1", 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(uvloop.run(_serve()))
