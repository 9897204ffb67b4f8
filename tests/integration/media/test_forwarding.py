"""Sound and picture from an aiortc publisher to aiortc viewers."""

from __future__ import annotations

import asyncio

import httpx
from av import AudioFrame, VideoFrame

from media.app import MediaServer
from tests.integration.media.clients import Client
from tests.integration.media.waiting import until


async def test_a_viewer_decodes_sound_and_picture(server: MediaServer, http: httpx.AsyncClient) -> None:
    publisher, viewer = Client(http), Client(http)
    await publisher.publish()
    await until(lambda: server.forwarder.streams["r1", "host"].is_live)
    await viewer.watch()

    async with asyncio.timeout(20):
        frame = await viewer.tracks["video"].recv()
        sound = await viewer.tracks["audio"].recv()

    assert isinstance(frame, VideoFrame)
    assert isinstance(sound, AudioFrame)
    await viewer.close()
    await publisher.close()
