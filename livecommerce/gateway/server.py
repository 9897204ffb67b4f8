"""uvicorn with our own connection classes: listening, and leaving in good order."""

from __future__ import annotations

import asyncio
import math
import random
import resource
import socket
from contextlib import suppress
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from livecommerce.gateway.close_codes import Close
from livecommerce.gateway.http_protocol import HttpProtocol
from livecommerce.gateway.messages import to_client
from livecommerce.gateway.sessions import Sessions
from livecommerce.gateway.timing_wheel import TimingWheel
from livecommerce.gateway.token_watch import LOOK_SECONDS
from livecommerce.gateway.websocket import RoomProtocol

BACKLOG = 4096
DRAIN_BATCH = 500
DRAIN_PAUSE_SECONDS = 0.25
DRAIN_SECONDS = 10.0
"""Where there are more viewers than go away in this time, batches grow."""
GRACE_SECONDS = 10
"""How long clients that do not hang up, and requests under way, are waited for."""
LEAVE_SECONDS = DRAIN_SECONDS + GRACE_SECONDS
"""The longest that leaving in good order takes; whoever stops this process waits longer."""
SPREAD_MS = 2_000
"""Clients that are sent away come back spread over this time."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that several gateway processes of one host can open side by side.

    It does not listen yet: the kernel gives a process its share of connections from when it serves.

    Raises:
        OSError: the port is taken by somebody else, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def allow_many_sockets() -> None:
    """Lets this process open as many sockets as the system permits; many shells begin with 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems name a limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class GatewayServer(uvicorn.Server):
    """A server whose sockets leave in paced batches, so that they do not all come back at once."""

    def __init__(self, app: ASGIApp, sessions: Sessions, wheel: TimingWheel) -> None:
        config = uvicorn.Config(
            app,
            http=partial(HttpProtocol, wheel=wheel),  # type: ignore[arg-type]
            ws=partial(RoomProtocol, handler=sessions, wheel=wheel),  # type: ignore[arg-type]
            loop="uvloop",
            lifespan="on",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)
        self._sessions = sessions
        wheel.add(sessions.token_watch, LOOK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops accepting, sends everyone away, then stops."""
        for server in self.servers:
            server.close()
        await drain(self._sessions)
        await super().shutdown(sockets)


async def drain(sessions: Sessions) -> None:
    """Hands out reconnect hints in paced batches, each followed by a close that means "connect again"."""
    sessions.draining = True
    leaving: list[Any] = list(sessions.joined)
    clock = asyncio.get_running_loop().time
    batch, due = drain_batch(len(leaving)), clock()
    for start in range(0, len(leaving), batch):
        await asyncio.sleep(due - clock())
        for connection in leaving[start : start + batch]:
            connection.send_messages(to_client.Reconnect(after_ms=random.randrange(SPREAD_MS)))  # noqa: S311 - spreading load
            connection.close(Close.DRAINING)
        due += DRAIN_PAUSE_SECONDS


def drain_batch(viewers: int) -> int:
    """How many leave together, so that all have left in time."""
    return max(DRAIN_BATCH, math.ceil(viewers * DRAIN_PAUSE_SECONDS / DRAIN_SECONDS))
