"""Nobody holds the HTTP door open, or fills the process's memory through it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

import pytest

from media import http_connection
from media.app import MediaServer
from media.http_connection import MAX_PIPELINED, MAX_REQUEST_BYTES

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def connected(server: MediaServer) -> AsyncIterator[Ends]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def exchange(ends: Ends, chunks: Iterable[bytes]) -> bytes:
    """Send, and return what comes until the server hangs up."""
    reader, writer = ends
    heard = b""
    with contextlib.suppress(ConnectionError):
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(5):
            while chunk := await reader.read(65_536):
                heard += chunk
    return heard


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\n",
        b"GET /healthz HTTP/1.1\r\nx: ",
        b"POST /control HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
    ],
    ids=["headers", "one header", "trailers"],
)
async def test_a_request_without_end_is_not_collected(server: MediaServer, head: bytes) -> None:
    lines = [b"x: " + b"y" * 1_000 + b"\r\n"] * (2 * MAX_REQUEST_BYTES // 1_000)
    async with connected(server) as ends:
        assert (await exchange(ends, [head, *lines])).count(b" 200 ") == 0


async def test_requests_in_front_of_their_answers_are_not_collected(server: MediaServer) -> None:
    async with connected(server) as ends:
        heard = await exchange(ends, [b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n" * 1_000])

    assert heard.count(b" 200 ") <= MAX_PIPELINED + 1


@pytest.mark.parametrize("begin", [b"", b"\r\n", b"GET /healthz HTTP/1.1\r\n", b"POST /control HTTP/1.1\r\n"])
async def test_who_never_finishes_a_request_is_let_go(
    server: MediaServer, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(http_connection, "REQUEST_SECONDS", 0.2)
    async with connected(server) as ends:
        assert await exchange(ends, [begin]) == b""


async def test_a_line_end_after_an_answer_holds_no_connection_open(
    server: MediaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "REQUEST_SECONDS", 0.2)
    async with connected(server) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        await reader.readuntil(b"ok")
        assert await exchange((reader, writer), [b"\r\n"]) == b""
