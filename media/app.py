"""The composition root: settings become a running media process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import uvicorn

from media.endpoint.addresses import bind_tcp_beside, bind_udp
from media.endpoint.udp import UdpEndpoint
from media.errors import PortTaken
from media.forwarder import Capacity, Forwarder
from media.hooks import Hooks
from media.http import build_app
from media.http_connection import HttpConnection
from media.settings import Settings

GRACE_SECONDS = 3
FREE_PORT_ATTEMPTS = 5
"""A free UDP port may be a taken TCP port."""


class HttpServer(uvicorn.Server):
    """uvicorn that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class MediaServer:
    """A started process: `port` and `udp_port` are those that are bound."""

    def __init__(self, forwarder: Forwarder, http: HttpServer, listener: socket.socket) -> None:
        self.forwarder = forwarder
        self.port: int = listener.getsockname()[1]
        self.udp_port = forwarder.endpoint.port
        self._http = http
        self._listener = listener

    async def serve(self) -> None:
        """Serve HTTP until `stop`."""
        await self._http.serve([self._listener])

    def stop(self) -> None:
        """Let `serve` return."""
        self._http.should_exit = True


@contextlib.asynccontextmanager
async def open_server(settings: Settings) -> AsyncIterator[MediaServer]:
    """Bind both ports and start forwarding; close everything at the end. Raises `PortTaken`."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(_bind_http(settings))
        udp, tcp = _bind_media(settings)
        stack.enter_context(udp)
        if tcp is not None:
            stack.enter_context(tcp)
        client = httpx.AsyncClient(trust_env=False)
        hooks = Hooks(settings.hook_url, settings.token_secret, client)
        endpoint = UdpEndpoint(udp, time.monotonic, tcp)
        await endpoint.listen_tcp()
        capacity = Capacity(settings.max_viewers, settings.max_guests_per_address)
        forwarder = Forwarder(endpoint, settings.advertise, capacity, hooks.send, settings.process)
        hooks.on_gone = lambda event: forwarder.close_seat(event.room, event.seat, time.time())
        app = build_app(forwarder, settings, client)
        config = uvicorn.Config(
            app,
            http=HttpConnection,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        timers = asyncio.get_running_loop().create_task(forwarder.run())
        try:
            yield MediaServer(forwarder, HttpServer(config), listener)
        finally:
            timers.cancel()
            await asyncio.gather(timers, return_exceptions=True)
            forwarder.close()
            await hooks.close()


def _bind_http(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as error:
        raise PortTaken(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from error


def _bind_media(settings: Settings) -> tuple[socket.socket, socket.socket | None]:
    for _ in range(1 if settings.udp_port else FREE_PORT_ATTEMPTS):
        try:
            udp = bind_udp(settings.advertise, settings.udp_port)
        except OSError as error:
            raise PortTaken(f"cannot bind UDP port {settings.udp_port}: {error.strerror}") from error
        try:
            return udp, bind_tcp_beside(udp) if settings.ice_tcp else None
        except OSError as error:
            udp.close()
            reason = error.strerror
    raise PortTaken(f"cannot bind TCP port {settings.udp_port}: {reason}; MEDIA_ICE_TCP=0 does without")
