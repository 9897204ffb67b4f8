"""A stream without a network: packets in, and what each viewer would have been sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from media.endpoint.dtls import Identity
from media.endpoint.peer import Peer
from media.events import StreamEvent
from media.publisher import Publisher
from media.rtp import RtpPacket, parse_rtp
from media.sdp import Offer
from media.sink import Leg, Sink, ViewedFormat
from media.source import Extensions, PublishedFormat, Source
from media.stream import Stream
from media.tokens import Pass
from media.track import Packet
from media.viewer import Viewer

IDENTITY = Identity()
OFFER = Offer((), {}, "actpass")
VIDEO, AUDIO, RTX = 96, 111, 97
RID, RIDS = 10, ("q", "h", "f")
TOKEN = Pass("p1", "r1", "host", "publish")


class RecordingEgress:
    """Keeps what it was told to send, by the SSRC it was sent with."""

    is_native = False

    def __init__(self) -> None:
        self.sent = 0
        self.dropped = 0
        self.received: dict[int, list[RtpPacket]] = defaultdict(list)

    def send(self, packets: Sequence[Packet], legs: Sequence[Leg]) -> None:
        """Record the rewritten packets."""
        for leg in legs:
            self.received[leg.ssrc] += [parse_rtp(leg.rewrite(packet)) for packet in packets]
            leg.packets += len(packets)
            leg.octets += sum(len(packet.payload) for packet in packets)
            self.sent += len(packets)


class World:
    """A stream, its timers and its events."""

    def __init__(self) -> None:
        self.egress = RecordingEgress()
        self.events: list[StreamEvent] = []
        self._due: list[Callable[[], None]] = []
        self.stream = Stream("r1", "host", self.egress, self._schedule, 0.0, self.events.append, 0.0)

    def join(self, *, ssrc: int, rtx: bool = False) -> Viewer:
        """Connect a viewer of sound (`ssrc` + 1) and picture (`ssrc`)."""
        video = ViewedFormat("video", VIDEO, ssrc, RTX if rtx else None, ssrc + 2 if rtx else None)
        peer = self.peer()
        sink = Sink([ViewedFormat("audio", AUDIO, ssrc + 1), video], peer.destination, "live")
        viewer = Viewer(f"viewer-{ssrc}", "p2", OFFER, peer, sink, self.stream, lambda *_: None, 0.0)
        viewer.connected()
        return viewer

    def publish(self, source: Source) -> Publisher:
        """Let a publisher's packets be taken by `stream.take` from now on."""
        publisher = Publisher(
            "publisher", TOKEN, OFFER, self.peer(), source, self.stream, lambda *_: None, 0.0
        )
        self.stream.begin(publisher)
        return publisher

    def peer(self) -> Peer:
        """Return a peer whose datagrams go nowhere."""
        return Peer(IDENTITY, {}, lambda *_: None, 0.0, is_dtls_client=False, keeps_handshake=False)

    def run_timers(self) -> None:
        """Let everything scheduled happen, until nothing is left."""
        while self._due:
            self._due.pop(0)()

    def _schedule(self, _delay: float, call: Callable[[], None]) -> None:
        self._due.append(call)


def make_source(*, nack: bool = True) -> Source:
    """Return a source of sound and picture."""
    formats = [PublishedFormat("audio", AUDIO, None, False), PublishedFormat("video", VIDEO, RTX, nack)]
    return Source(formats, Extensions(transport_cc=3), 0.0, 1)


def make_layered_source() -> Source:
    """Return a source of three layers of a picture."""
    formats = [PublishedFormat("video", VIDEO, RTX, True, RIDS)]
    return Source(formats, Extensions(transport_cc=3, rid=RID, repaired_rid=11), 0.0, 1)
