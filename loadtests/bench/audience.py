"""A publisher and its viewers, all in this process, against a server under test."""

from __future__ import annotations

import functools
import heapq
import http.client
import select
import struct
import time
from collections.abc import Callable, Sequence

import httpx

from loadtests.bench.media_process import MediaProcess
from loadtests.bench.webrtc import AUDIO, AUDIO_SSRC, BINDING_REQUEST, VIDEO, VIDEO_SSRC, Client, Identity
from loadtests.bench.wire import Wire

FRAMES_PER_SECOND, PACKETS_PER_FRAME, VIDEO_PAYLOAD = 30, 10, 1014
SOUNDS_PER_SECOND, AUDIO_PAYLOAD = 50, 120
FRAMES_PER_GOP = 60
CHECK_SECONDS, REPORT_SECONDS = 5.0, 1.0
RETRY_SECONDS = 0.5
AT_ONCE = 16
FIRST_PUBLISHER = 60_000
KEYFRAME, SLICE = 0x65, 0x41
RTP_HEADER = struct.Struct("!BBHII")


class _Stream:
    """What one publisher sends: 2.5 Mbit/s of picture and a sound, numbered and stamped."""

    def __init__(self, room: str, client: Client) -> None:
        self.room = room
        self.client = client
        self._video_sequence = self._audio_sequence = self._frame = self._sound = 0

    def send_frame(self) -> None:
        """Send one frame; each packet carries when it left."""
        kind = KEYFRAME if self._frame % FRAMES_PER_GOP == 0 else SLICE
        for part in range(PACKETS_PER_FRAME):
            first = kind if part == 0 else SLICE
            payload = bytes([first]) + struct.pack("!d", time.monotonic()) + bytes(VIDEO_PAYLOAD - 9)
            marker = 0x80 if part == PACKETS_PER_FRAME - 1 else 0
            header = RTP_HEADER.pack(
                0x80,
                VIDEO | marker,
                self._video_sequence & 0xFFFF,
                self._frame * 3000 & 0xFFFFFFFF,
                VIDEO_SSRC,
            )
            self._video_sequence += 1
            self.client.send_rtp(header + payload)
        self._frame += 1

    def send_sound(self) -> None:
        """Send 20 ms of sound."""
        header = RTP_HEADER.pack(
            0x80, AUDIO, self._audio_sequence & 0xFFFF, self._sound * 960 & 0xFFFFFFFF, AUDIO_SSRC
        )
        self._audio_sequence += 1
        self._sound += 1
        self.client.send_rtp(header + bytes(AUDIO_PAYLOAD))


class Audience:
    """Publishes streams of 2.5 Mbit/s with sound, and watches them, each by its share of the viewers.

    Every packet is received and counted; one viewer in fifty decrypts its own, for the delay
    between the publisher's sending and its receiving.
    """

    def __init__(self, server: MediaProcess, streams: int = 1) -> None:
        self._server = server
        self._identity = Identity()
        self.wire = Wire()
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=30)
        self._clients: dict[int, Client] = {}
        self.delays: list[float] = []
        self.late_seconds = 0.0
        self._due: list[tuple[float, int, Client, Callable[[], None]]] = []
        self._count = 0
        self._streams = [
            _Stream(f"r{number + 1}", self._client(FIRST_PUBLISHER + number)) for number in range(streams)
        ]

    def close(self) -> None:
        """Close sockets; sessions end with the server."""
        self._http.close()
        self.wire.close()

    def publish(self, *, nearly_silent: bool = False) -> None:
        """Go live, and keep sending whenever `run` runs; nearly silent is one sound a second."""
        for stream in self._streams:
            client = stream.client
            person = f"publisher-{stream.room}"
            client.connect(self._http, f"/whip/{stream.room}/host", self._server.secret, person)
            self._connect(client)
            if not nearly_silent:
                self._every(1 / FRAMES_PER_SECOND, client, stream.send_frame)
            self._every(1.0 if nearly_silent else 1 / SOUNDS_PER_SECOND, client, stream.send_sound)
            self._every(CHECK_SECONDS, client, client.check)
        self.run(1.2)

    def join(self, viewers: int, first: int = 1) -> None:
        """Connect that many viewers, who report from then on, while the publishers go on."""
        for endpoint in range(first, first + viewers):
            client = self._client(endpoint)
            client.connect(self._http, *self._seat(endpoint))
            self._connect(client)
            self._every(REPORT_SECONDS, client, functools.partial(client.send_rtcp, _receiver_report()))
            self._every(CHECK_SECONDS, client, client.check)

    def crowd_in(self, viewers: int) -> None:
        """Connect that many viewers, some at a time, as they come to a show that begins."""
        connections = [
            http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30) for _ in range(AT_ONCE)
        ]
        for first in range(1, viewers + 1, AT_ONCE):
            self._connect_together(range(first, min(first + AT_ONCE, viewers + 1)), connections)
        for connection in connections:
            connection.close()

    def _connect_together(self, endpoints: range, connections: Sequence[http.client.HTTPConnection]) -> None:
        clients = [self._client(endpoint) for endpoint in endpoints]
        pairs = list(zip(clients, connections, strict=False))
        for endpoint, (client, connection) in zip(endpoints, pairs, strict=True):
            seat = self._seat(endpoint)
            connection.request("POST", seat[0], *client.request(*seat))
        for client, connection in pairs:
            response = connection.getresponse()
            answer = response.read().decode()
            if response.status != http.HTTPStatus.CREATED:
                raise SystemExit(f"a viewer was refused: {response.status} {answer}")
            client.accept(answer, response.getheader("location", ""))
        for client in clients:
            self._connect(client)

    def leave(self) -> None:
        """End every viewer's session."""
        for client in [self._clients[endpoint] for endpoint in self._clients if endpoint < FIRST_PUBLISHER]:
            self._http.delete(client.location)
            self.run(0.001)
        self._clients = {
            endpoint: client for endpoint, client in self._clients.items() if endpoint >= FIRST_PUBLISHER
        }
        publishers = list(self._clients.values())
        self._due = [due for due in self._due if due[2] in publishers]
        heapq.heapify(self._due)

    def run(self, seconds: float) -> None:
        """Send, receive and report in real time."""
        end = time.monotonic() + seconds
        self._until(lambda: time.monotonic() >= end)

    def _seat(self, endpoint: int) -> tuple[str, str, str]:
        """Where a viewer watches, the secret that lets it in, and who it is."""
        room = self._streams[endpoint % len(self._streams)].room
        return f"/whep/{room}/host", self._server.secret, f"viewer-{endpoint}"

    def _client(self, endpoint: int) -> Client:
        client = Client(self._identity, lambda data, port: self.wire.send(endpoint, data, port))
        self._clients[endpoint] = client
        return client

    def _connect(self, client: Client) -> None:
        while client.outbound is None:
            retry_at = time.monotonic() + RETRY_SECONDS
            self._until(lambda: client.outbound is not None or time.monotonic() > retry_at)  # noqa: B023 - used at once
            client.retry()

    def _every(self, interval: float, client: Client, act: Callable[[], None]) -> None:
        self._count += 1
        at = time.monotonic() + interval * (self._count % 97 / 97)

        def again() -> None:
            nonlocal at
            act()
            at += interval
            self._count += 1
            heapq.heappush(self._due, (at, self._count, client, again))

        heapq.heappush(self._due, (at, self._count, client, again))

    def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                at, _, _, act = heapq.heappop(self._due)
                self.late_seconds = max(self.late_seconds, now - at)
                act()
            self._drain()
            if holds():
                return
            pause = self._due[0][0] - time.monotonic() if self._due else 0.01
            if pause > 0:
                select.select([self.wire], [], [], min(pause, 0.01))

    def _drain(self) -> None:
        for endpoint, data in self.wire.receive():
            client = self._clients.get(endpoint)
            if client is None:
                continue
            if client.outbound is None or data[0] == BINDING_REQUEST:
                client.receive(bytes(data))
            elif endpoint % 50 == 1 and data[1] & 0x7F == VIDEO and client.inbound is not None:
                plain = client.inbound.unprotect(bytes(data))
                (sent_at,) = struct.unpack_from("!d", plain, 13)
                self.delays.append(time.monotonic() - sent_at)


def _receiver_report() -> bytes:
    return struct.pack("!BBHI", 0x81, 201, 7, 1) + struct.pack("!IIIIII", 2, 0, 0, 0, 0, 0)
