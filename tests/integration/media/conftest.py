"""A real media process inside the test's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from media.app import MediaServer, open_server
from media.settings import Settings
from tests.integration.media.clients import SECRET, hang_up_all

MAX_VIEWERS, MAX_GUESTS = 3, 2
TURN_SECRET = "shared with coturn"
ICE_SERVERS = ("stun:stun.example.org:3478", "turn:turn.example.org:3478?transport=udp")


@pytest.fixture
def hook_url() -> str:
    """No gateway listens, unless a test has one."""
    return ""


@pytest.fixture
async def server(hook_url: str) -> AsyncIterator[MediaServer]:
    """A server on free ports of the loopback interface."""
    settings = Settings(
        max_viewers=MAX_VIEWERS,
        max_guests_per_address=MAX_GUESTS,
        token_secret=SECRET,
        port=0,
        udp_port=0,
        hook_url=hook_url,
        ice_servers=ICE_SERVERS,
        turn_secret=TURN_SECRET,
    )
    async with open_server(settings) as server:
        serving = asyncio.create_task(server.serve())
        yield server
        server.stop()
        await serving


@pytest.fixture
async def http(server: MediaServer) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of that server."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client
        await hang_up_all()
