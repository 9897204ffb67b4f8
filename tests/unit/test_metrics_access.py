"""Who reads a deployment's numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette

from livecommerce.gateway.http.application import application
from livecommerce.gateway.http.metrics import metrics_route
from livecommerce.gateway.proxies import parse_networks

TOKEN = "a word for Prometheus"


@asynccontextmanager
async def no_lifespan(_app: Starlette) -> AsyncIterator[None]:
    yield


async def status(peer: str, *, token: str = TOKEN, **headers: str) -> int:
    """What somebody is answered who comes from an address."""
    route = metrics_route(lambda: "livecommerce_rooms 1\n", token, parse_networks("10.0.0.1"))
    transport = httpx.ASGITransport(application([route], no_lifespan, ""), client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await client.get("/metrics", headers=named)).status_code


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.3.2.1", "192.168.1.9", "::1", "fd00::7"])
async def test_a_private_network_reads_the_numbers(peer: str) -> None:
    assert await status(peer) == 200


@pytest.mark.parametrize("peer", ["8.8.8.8", "2606:4700::1111", "", "rubbish"])
async def test_the_internet_does_not_read_the_numbers(peer: str) -> None:
    assert await status(peer) == 403


async def test_who_bears_the_token_reads_them_from_anywhere() -> None:
    assert await status("8.8.8.8", authorization=f"Bearer {TOKEN}") == 200
    assert await status("8.8.8.8", authorization="Bearer another") == 403


async def test_an_empty_token_is_nobodys() -> None:
    assert await status("8.8.8.8", token="", authorization="Bearer ") == 403


async def test_a_proxy_is_not_taken_for_whom_it_brings() -> None:
    assert await status("10.0.0.1", x_forwarded_for="8.8.8.8") == 403
    assert await status("10.0.0.1", x_forwarded_for="192.168.1.9") == 200
    assert await status("10.0.0.2", x_forwarded_for="192.168.1.9") == 403, "nobody trusts this proxy"


async def test_a_line_that_a_proxy_left_in_front_of_its_own_is_not_believed() -> None:
    route = metrics_route(lambda: "", TOKEN, parse_networks("10.0.0.1"))
    transport = httpx.ASGITransport(application([route], no_lifespan, ""), client=("10.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        lines = [("X-Forwarded-For", "192.168.1.9"), ("X-Forwarded-For", "8.8.8.8")]
        assert (await client.get("/metrics", headers=lines)).status_code == 403
