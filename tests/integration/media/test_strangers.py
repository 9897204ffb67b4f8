"""What comes from nowhere is ignored, and what was opened and closed leaves nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import socket

import httpx

from media.app import MediaServer
from media.endpoint.dtls import Handshake
from media.endpoint.peer import Peer
from media.viewer import Viewer
from tests.integration.media.clients import bearer, publishing
from tests.integration.media.offers import offer_text
from tests.integration.media.waiting import until

CONNECTS = 60


async def test_strangers_rubbish_ends_nobodys_session(http: httpx.AsyncClient, server: MediaServer) -> None:
    chance = random.Random(3)
    async with publishing(http, server):
        stream = server.forwarder.streams["r1", "host"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for number in range(2_000):
                first = chance.choice([0, 1, 20, 22, 23, 63, 0x80, 0x90, 0xFF])
                rubbish = bytes([first]) + chance.randbytes(chance.randrange(200))
                if number % 3 == 0:
                    rubbish = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + rubbish
                stranger.sendto(rubbish, ("127.0.0.1", server.udp_port))
                if number % 100 == 0:
                    await asyncio.sleep(0)
        packets = stream.tracks["video", 0].newest

        await until(lambda: stream.tracks["video", 0].newest > packets + 5)
        assert stream.is_live
        assert len(server.forwarder.endpoint.peers) == 1


async def test_rubbish_over_tcp_ends_its_connection_and_no_other(
    http: httpx.AsyncClient, server: MediaServer
) -> None:
    async with publishing(http, server):
        connections = server.forwarder.endpoint.tcp.connections
        reader, writer = await asyncio.open_connection("127.0.0.1", server.udp_port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")

        assert await reader.read() == b""
        await until(lambda: not connections)
        assert server.forwarder.streams["r1", "host"].is_live
        writer.close()


async def test_connecting_and_leaving_leaves_no_descriptor_task_or_object(
    http: httpx.AsyncClient, server: MediaServer
) -> None:
    async with publishing(http, server):
        first = census()
        await connect_and_leave(http, 5)
        await until(lambda: census()["Peer"] <= first["Peer"])
        before = census()
        await connect_and_leave(http, CONNECTS)
        await until(lambda: census()["Peer"] <= before["Peer"])

        assert {what for what, count in census().items() if count > before[what]} == set()
        assert server.forwarder.viewers == 0
        assert len(server.forwarder.sessions) == 1
        assert len(server.forwarder.endpoint.peers) == 1


async def connect_and_leave(http: httpx.AsyncClient, times: int) -> None:
    for number in range(times):
        headers = {"Content-Type": "application/sdp", **bearer("subscribe", seat=None, person=f"p{number}")}
        created = await http.post("/whep/r1/host", content=offer_text("chromium_viewer"), headers=headers)
        assert created.status_code == 201
        await http.delete(created.headers["location"])


def census() -> dict[str, int]:
    """Count what sessions hold, those of tests before this one too: such may go meanwhile."""
    gc.collect()
    kept = gc.get_objects()
    counted = {
        kind.__name__: sum(isinstance(one, kind) for one in kept) for kind in (Peer, Viewer, Handshake)
    }
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone are counted
    return {**counted, "descriptors": descriptors, "tasks": len(asyncio.all_tasks())}
