"""aiortc as publisher and viewer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from weakref import WeakSet

import httpx
import jwt
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from media.app import MediaServer
from tests.integration.media.waiting import until

SECRET = "a secret of thirty-two bytes or more, for tests"


def bearer(
    grant: str,
    *,
    room: str = "r1",
    seat: str | None = "host",
    person: str = "p1",
    guest: bool = False,
    ago: float = 0.0,
) -> dict[str, str]:
    """Return the headers of a client with a good token, minted some seconds ago."""
    now = time.time()
    claims: dict[str, object] = {"aud": "media", "sub": person, "room": room, "grant": grant, "exp": now + 60}
    claims |= {"iat": now - ago, "guest": guest}
    if seat is not None:
        claims["seat"] = seat
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET)}"}


_clients: WeakSet[Client] = WeakSet()


class Client:
    """One peer connection and the session it opened."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.tracks: dict[str, MediaStreamTrack] = {}
        self.location = ""
        _clients.add(self)
        self.connection.on("track", self._add_track)

    async def publish(self, *, person: str = "p1", seat: str = "host", kinds: str = "audio video") -> None:
        """Go live with generated sound and picture."""
        if "audio" in kinds:
            self.connection.addTrack(AudioStreamTrack())
        if "video" in kinds:
            self.connection.addTrack(VideoStreamTrack())
        for transceiver in self.connection.getTransceivers():
            transceiver.direction = "sendonly"
        await self._exchange(f"/whip/r1/{seat}", bearer("publish", seat=seat, person=person))

    async def watch(self, *, seat: str = "host", person: str = "p2") -> None:
        """Ask for sound and picture."""
        self.connection.addTransceiver("audio", direction="recvonly")
        self.connection.addTransceiver("video", direction="recvonly")
        await self._exchange(f"/whep/r1/{seat}", bearer("subscribe", seat=seat, person=person))

    async def close(self, *, delete: bool = True) -> None:
        """Hang up, by DELETE too unless told otherwise."""
        if delete and self.location:
            await self.http.delete(self.location)
        await self.connection.close()

    async def _exchange(self, path: str, headers: dict[str, str]) -> None:
        self._prefer_h264()
        await self.connection.setLocalDescription(await self.connection.createOffer())
        response = await self.http.post(
            path,
            content=self.connection.localDescription.sdp,
            headers={**headers, "Content-Type": "application/sdp"},
        )
        assert response.status_code == 201, response.text
        self.location = response.headers["location"]
        await self.connection.setRemoteDescription(RTCSessionDescription(response.text, "answer"))

    def _prefer_h264(self) -> None:
        capabilities = RTCRtpReceiver.getCapabilities("video")
        assert capabilities is not None
        wanted = [codec for codec in capabilities.codecs if codec.mimeType in ("video/H264", "video/rtx")]
        for transceiver in self.connection.getTransceivers():
            if transceiver.kind == "video":
                transceiver.setCodecPreferences(wanted)

    def _add_track(self, track: MediaStreamTrack) -> None:
        self.tracks[track.kind] = track


@contextlib.asynccontextmanager
async def publishing(http: httpx.AsyncClient, server: MediaServer) -> AsyncIterator[Client]:
    """Keep a host live."""
    host = Client(http)
    await host.publish()
    await until(lambda: server.forwarder.streams["r1", "host"].is_live)
    yield host
    await host.close()


async def hang_up_all() -> None:
    """Close what a failed test left open: its encoder's thread would never let the loop end."""
    for client in list(_clients):
        await client.connection.close()
