"""A WebSocket client that may break every rule: it sends the bytes that a test wants."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
PATIENCE_SECONDS = 5


@dataclass(frozen=True)
class Received:
    """A frame from the server."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        """Why it says goodbye; 1005 where it does not tell."""
        return struct.unpack("!H", self.payload[:2])[0] if len(self.payload) >= 2 else 1005


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length: bytes | None = None,
) -> bytes:
    """One frame; ``length`` replaces the shortest form of the payload's length."""
    head = bytes([fin << 7 | reserved << 4 | opcode])
    size = len(payload)
    if length is None:
        small = size < 126
        length = bytes([size]) if small else b"\x7e" + struct.pack("!H", size)
    head += bytes([length[0] | masked << 7]) + length[1:]
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def goodbye(code: int, reason: bytes = b"") -> bytes:
    """A close frame."""
    return frame(CLOSE, struct.pack("!H", code) + reason)


class RawSocket:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *data: bytes) -> None:
        """Sends bytes as they are, in one go."""
        self.writer.write(b"".join(data))
        await self.writer.drain()

    async def upgrade(self, path: str, changes: Mapping[str, str | None] | None = None) -> tuple[int, str]:
        """Asks to become a WebSocket, with some headers changed or left out; status and headers."""
        await self.send(upgrade_request(path, changes or {}))
        return await self.head()

    async def head(self) -> tuple[int, str]:
        """The status and headers of the next response."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)).decode()
        return int(head.split(" ", 2)[1]), head

    async def receive(self) -> Received:
        """The next frame."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            first, second = await self.reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return Received(first & 0x0F, await self.reader.readexactly(size))

    async def until(self, opcode: int) -> Received:
        """The next frame of a kind."""
        while (received := await self.receive()).opcode != opcode:
            pass
        return received

    async def rest(self) -> bytes:
        """All that comes until the server hangs up."""
        received = b""
        async with asyncio.timeout(PATIENCE_SECONDS):
            with suppress(ConnectionResetError):
                while data := await self.reader.read(65536):
                    received += data
        return received

    async def ended(self) -> None:
        """Waits until the server has hung up."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            with suppress(ConnectionResetError):
                while await self.reader.read(65536):
                    pass


def upgrade_request(path: str, changes: Mapping[str, str | None]) -> bytes:
    """The request that opens a socket."""
    headers: dict[str, str | None] = {
        "Host": "gateway.test",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "livecommerce.v1.json",
        **changes,
    }
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    return f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


@asynccontextmanager
async def raw_connection(port: int) -> AsyncIterator[RawSocket]:
    """A TCP connection that has said nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield RawSocket(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def raw_socket(port: int, path: str, **changes: str | None) -> AsyncIterator[RawSocket]:
    """An open WebSocket."""
    async with raw_connection(port) as raw:
        named = {name.replace("_", "-"): value for name, value in changes.items()}
        status, _ = await raw.upgrade(path, named)
        assert status == 101
        yield raw
