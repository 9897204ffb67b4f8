"""Sound and picture from publishers to viewers, with aiortc and FFmpeg as clients."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import httpx
from av import AudioFrame, VideoFrame

from media.app import MediaServer, open_server
from media.settings import Settings
from tests.integration.media.clients import SECRET, Client, bearer, publishing
from tests.integration.media.identity import write_identity
from tests.integration.media.waiting import until


async def assert_plays(viewer: Client) -> None:
    async with asyncio.timeout(20):
        assert isinstance(await viewer.tracks["video"].recv(), VideoFrame)
        assert isinstance(await viewer.tracks["audio"].recv(), AudioFrame)


async def test_a_viewer_decodes_sound_and_picture(server: MediaServer, http: httpx.AsyncClient) -> None:
    viewer = Client(http)
    async with publishing(http, server):
        await viewer.watch()

        await assert_plays(viewer)

        await viewer.close()


async def test_ffmpeg_publishes_unchanged(
    server: MediaServer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    certificate, key = write_identity(tmp_path)
    token = bearer("publish")["Authorization"].removeprefix("Bearer ")
    url = f"http://127.0.0.1:{server.port}/whip/r1/host"
    program = [sys.executable, "-m", "tests.integration.media.ffmpeg", url, token, certificate, key]
    ffmpeg = await asyncio.create_subprocess_exec(*program)
    await until(lambda: bool(server.forwarder.streams) and server.forwarder.streams["r1", "host"].is_live)
    viewer = Client(http)
    await viewer.watch()

    await assert_plays(viewer)

    await viewer.close()
    ffmpeg.terminate()
    assert await ffmpeg.wait() == 0
    await until(lambda: not server.forwarder.sessions)


async def test_audio_alone_is_forwarded(server: MediaServer, http: httpx.AsyncClient) -> None:
    host, viewer = Client(http), Client(http)
    await host.publish(kinds="audio")
    await until(lambda: server.forwarder.streams["r1", "host"].is_live)
    await viewer.watch()

    async with asyncio.timeout(20):
        assert isinstance(await viewer.tracks["audio"].recv(), AudioFrame)

    await viewer.close()
    await host.close()


async def test_video_alone_is_forwarded(server: MediaServer, http: httpx.AsyncClient) -> None:
    host, viewer = Client(http), Client(http)
    await host.publish(kinds="video")
    await until(lambda: server.forwarder.streams["r1", "host"].is_live)
    await viewer.watch()

    async with asyncio.timeout(20):
        assert isinstance(await viewer.tracks["video"].recv(), VideoFrame)

    await viewer.close()
    await host.close()


async def test_guests_publish_streams_of_their_own(server: MediaServer, http: httpx.AsyncClient) -> None:
    guest, viewer = Client(http), Client(http)
    async with publishing(http, server):
        await guest.publish(seat="guest-1", person="p3")
        await until(lambda: server.forwarder.streams["r1", "guest-1"].is_live)
        await viewer.watch(seat="guest-1")

        await assert_plays(viewer)

        await viewer.close()
        await guest.close()


async def test_viewers_stay_when_the_host_publishes_again(
    server: MediaServer, http: httpx.AsyncClient
) -> None:
    first, second, viewer = Client(http), Client(http), Client(http)
    await first.publish()
    stream = server.forwarder.streams["r1", "host"] if server.forwarder.streams else None
    assert stream is not None
    await until(lambda: stream.is_live)
    await viewer.watch()
    await assert_plays(viewer)

    await second.publish()
    await until(lambda: stream.is_live)
    newest = stream.tracks["video", 0].newest
    await until(lambda: stream.tracks["video", 0].newest > newest + 5)

    await assert_plays(viewer)
    assert len(stream.viewers) == 1
    for client in (viewer, second, first):
        await client.close()


async def test_a_host_who_hangs_up_without_delete_is_noticed(
    server: MediaServer, http: httpx.AsyncClient
) -> None:
    host = Client(http)
    await host.publish()
    await until(lambda: server.forwarder.streams["r1", "host"].is_live)

    await host.close(delete=False)

    await until(lambda: not server.forwarder.sessions)
    assert not server.forwarder.streams["r1", "host"].is_live


async def test_ipv6_serves_as_ipv4_does() -> None:
    settings = Settings(token_secret=SECRET, port=0, udp_port=0, advertise=("::1",))
    async with open_server(settings) as server:
        serving = asyncio.create_task(server.serve())
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
            viewer = Client(http)
            async with publishing(http, server):
                await viewer.watch()

                await assert_plays(viewer)

                await viewer.close()
        server.stop()
        await serving
