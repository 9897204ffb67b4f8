"""A stream on aiortc's ``MediaRelay``, behind WHIP and WHEP as our media process is.

aiortc decodes what it receives, and encodes anew for each who watches. A forwarder does neither, so this
hands the frames through as they came: what is left is receiving, relaying, packing, encrypting and sending.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import Any

import aioice.ice
import uvicorn
from aiortc import RTCPeerConnection, RTCSessionDescription, rtcrtpreceiver
from aiortc.contrib.media import MediaRelay
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from av.packet import Packet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class HandingThrough:
    """Stands where a decoder would."""

    def __init__(self, codec: RTCRtpCodecParameters) -> None:
        self._time_base = Fraction(1, codec.clockRate)

    def decode(self, frame: JitterFrame) -> list[Packet[Any]]:
        """The frame, still encoded."""
        packet = Packet(frame.data)
        packet.pts, packet.time_base = frame.timestamp, self._time_base
        return [packet]


class Relay:
    """One stream, and those who watch it."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._tracks: list[MediaStreamTrack] = []
        self._connections: list[RTCPeerConnection] = []

    async def publish(self, request: Request) -> Response:
        """Takes the stream."""
        connection = RTCPeerConnection()
        connection.on("track", self._tracks.append)
        return await self._answer(connection, request)

    async def watch(self, request: Request) -> Response:
        """One more viewer."""
        connection = RTCPeerConnection()
        for track in self._tracks:
            connection.addTrack(self._relay.subscribe(track))
        return await self._answer(connection, request)

    async def _answer(self, connection: RTCPeerConnection, request: Request) -> Response:
        self._connections.append(connection)
        offer = (await request.body()).decode()
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        headers = {"Location": f"/session/{len(self._connections)}"}
        return Response(connection.localDescription.sdp, 201, headers, "application/sdp")


class Server(uvicorn.Server):
    """Says where it listens, as our media process does."""

    async def startup(self, sockets: Any = None) -> None:
        """Starts."""
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"serving HTTP on 127.0.0.1:{port}, media on UDP 0", file=sys.stderr, flush=True)


def main() -> None:
    """Serves until it is ended."""
    vars(rtcrtpreceiver)["get_decoder"] = HandingThrough
    vars(aioice.ice)["get_host_addresses"] = lambda *_, **__: ["127.0.0.1"]
    relay = Relay()
    routes = [
        Route("/whip/{room}/{seat}", relay.publish, methods=["POST"]),
        Route("/whep/{room}/{seat}", relay.watch, methods=["POST"]),
    ]
    config = uvicorn.Config(
        Starlette(routes=routes), "127.0.0.1", 0, loop="uvloop", log_level="error", lifespan="off"
    )
    Server(config).run()


if __name__ == "__main__":
    main()
