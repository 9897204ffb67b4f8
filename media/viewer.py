"""The session of a viewer: its feedback is answered from the stream's ring."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from media import rtcp
from media.endpoint.peer import Peer
from media.errors import MalformedPacket
from media.sdp import Offer
from media.sink import Sink
from media.stream import Stream


class Viewer:
    """One WHEP session; `id` names it in its URL."""

    def __init__(
        self,
        person: str,
        offer: Offer,
        peer: Peer,
        sink: Sink,
        stream: Stream,
        on_end: Callable[[Viewer, str], None],
    ) -> None:
        self.id = secrets.token_urlsafe(24)
        self.person = person
        self.offer = offer
        self.peer = peer
        self.sink = sink
        self.stream = stream
        self._on_end = on_end

    def connected(self) -> None:
        """Start the picture from the cached GOP."""
        self.stream.start(self)

    def rtp_received(self, data: bytes, now: float) -> None:
        """Ignore it: a viewer has nothing to send."""

    def rtcp_received(self, data: bytes, now: float) -> None:
        """Answer NACKs and keyframe requests."""
        try:
            packets = rtcp.parse_rtcp(data)
        except MalformedPacket:
            return
        for packet in packets:
            if isinstance(packet, rtcp.Nack):
                self.stream.retransmit(self, packet, now)
            elif isinstance(packet, rtcp.KeyframeRequest):
                self.stream.request_keyframe(now)

    def disconnected(self, reason: str) -> None:
        """End the session."""
        self._on_end(self, reason)
