"""The session of a viewer: its feedback is answered from the stream's ring."""

from __future__ import annotations

from collections.abc import Callable

from media import rtcp
from media.endpoint.peer import Peer
from media.errors import MalformedPacket
from media.layer_choice import LayerChoice
from media.sdp import Offer
from media.sink import Sink
from media.stream import Stream


class Viewer:
    """One WHEP session; `id` names it in its URL, `line` the address of a guest."""

    def __init__(
        self,
        session_id: str,
        person: str,
        offer: Offer,
        peer: Peer,
        sink: Sink,
        stream: Stream,
        on_end: Callable[[Viewer, str], None],
        now: float,
        line: str = "",
    ) -> None:
        self.id = session_id
        self.person = person
        self.line = line
        self.offer = offer
        self.peer = peer
        self.sink = sink
        self.stream = stream
        self.choice = LayerChoice(now)
        self._on_end = on_end

    def connected(self) -> None:
        """Start the picture from the cached GOP."""
        self.stream.start(self)

    def rtp_received(self, data: bytes, now: float) -> None:
        """Ignore it: a viewer has nothing to send."""

    def rtcp_received(self, data: bytes, now: float) -> None:
        """Answer NACKs and keyframe requests, and learn what the line carries."""
        try:
            packets = rtcp.parse_rtcp(data)
        except MalformedPacket:
            return
        for packet in packets:
            if isinstance(packet, rtcp.Nack):
                self.choice.hear_missing(len(packet.sequences))
                self.stream.retransmit(self, packet, now)
            elif isinstance(packet, rtcp.KeyframeRequest):
                self.stream.request_keyframe(self, now)
            elif isinstance(packet, rtcp.BandwidthEstimate):
                self.choice.hear_estimate(packet.bits_per_second, now)
            elif isinstance(packet, rtcp.ReceiverReport):
                self._hear_loss(packet)

    def _hear_loss(self, report: rtcp.ReceiverReport) -> None:
        for block in report.reports:
            if self.sink.kind_of(block.ssrc) == "video":
                self.choice.hear_loss(block.fraction_lost / 256)

    def disconnected(self, reason: str) -> None:
        """End the session."""
        self._on_end(self, reason)
