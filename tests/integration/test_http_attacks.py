"""What an attacker tries at the gateway's HTTP door; each test is named by what stops it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

import pytest

from livecommerce.gateway.http_protocol import MAX_PIPELINED, REQUEST_SECONDS, STALL_SECONDS
from tests.gateway import LARGE_BYTES, TestGateway, running_gateway

PATIENCE_SECONDS = 5.0


@pytest.fixture
async def gateway() -> AsyncIterator[TestGateway]:
    async with running_gateway() as gateway:
        yield gateway


@contextlib.asynccontextmanager
async def connected(
    gateway: TestGateway,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        yield reader, writer
    finally:
        writer.close()


def turn(gateway: TestGateway, seconds: float) -> None:
    """Lets the wheel's time pass."""
    now = asyncio.get_running_loop().time()
    for second in range(1, int(seconds) + 2):
        gateway.wheel.turn(now + second)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All until the server hangs up."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while chunk := await reader.read(65_536):
                heard += chunk
    return heard


async def test_requests_in_front_of_their_answers_are_not_collected(gateway: TestGateway) -> None:
    async with connected(gateway) as (reader, writer):
        writer.write(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n" * 1_000)

        assert (await rest(reader)).count(b"HTTP/1.1 200") <= MAX_PIPELINED + 1


async def test_some_requests_in_a_row_are_answered(gateway: TestGateway) -> None:
    async with connected(gateway) as (reader, writer):
        writer.write(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n" * 2)
        writer.write(b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")

        assert (await rest(reader)).count(b"at last") == 3


@pytest.mark.parametrize("line", [b"x: " + b"y" * 1_000 + b"\r\n", b"y" * 1_000])
async def test_trailers_without_end_are_not_collected(gateway: TestGateway, line: bytes) -> None:
    async with connected(gateway) as (reader, writer):
        writer.write(b"POST /slow HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(1_000):
                writer.write(line)
                await writer.drain()

        assert (await rest(reader)).count(b"HTTP/1.1") <= 1
        assert not gateway.server.server_state.connections


async def test_a_body_in_many_chunks_is_read(gateway: TestGateway) -> None:
    async with connected(gateway) as (reader, writer):
        writer.write(b"POST /slow HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        await reader.readuntil(b"method_not_allowed")
        for _ in range(20):
            writer.write(b"8000\r\n" + bytes(0x8000) + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\nGET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")

        assert (await rest(reader)).endswith(b"at last")


async def test_a_connection_that_has_its_answer_and_sends_nothing_of_use_is_let_go(
    gateway: TestGateway,
) -> None:
    async with connected(gateway) as (reader, writer):
        writer.write(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        await reader.readuntil(b"at last")
        writer.write(b"\r\n")
        [connection] = gateway.server.server_state.connections
        while connection.timeout_keep_alive_task is not None:  # type: ignore[union-attr]  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
        turn(gateway, REQUEST_SECONDS)

        assert await rest(reader) == b""


async def test_who_asks_for_much_and_reads_nothing_is_let_go(gateway: TestGateway) -> None:
    async with connected(gateway) as (_, writer):
        cast(asyncio.Transport, writer.transport).pause_reading()
        writer.write(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        await stalled(gateway)
        turn(gateway, 2 * STALL_SECONDS)
        await until_none_is_open(gateway)


async def test_who_reads_slowly_is_not_let_go(gateway: TestGateway) -> None:
    async with connected(gateway) as (reader, writer):
        transport = cast(asyncio.Transport, writer.transport)
        transport.pause_reading()
        writer.write(b"GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        heard, unsent = 0, await stalled(gateway)
        for _ in range(3):
            transport.resume_reading()
            before = unsent
            while unsent == before:
                heard += len(await reader.read(1024 * 1024))
                unsent = await stalled(gateway)
            transport.pause_reading()
            turn(gateway, STALL_SECONDS)
        transport.resume_reading()

        assert heard + len(await rest(reader)) > LARGE_BYTES


async def stalled(gateway: TestGateway) -> int:
    """Waits until the server's end has taken all that it takes for now; answers what is still unsent."""
    before, unsent = -1, 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while unsent != before or not unsent:
            await asyncio.sleep(0.05)
            for connection in gateway.server.server_state.connections:
                before, unsent = unsent, connection.transport.get_write_buffer_size()
    return unsent


async def until_none_is_open(gateway: TestGateway) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while gateway.server.server_state.connections:  # noqa: ASYNC110 - uvicorn keeps a set, no event
            await asyncio.sleep(0.01)
