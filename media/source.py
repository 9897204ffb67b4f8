"""A publisher: its packets put in order, and the feedback that keeps it sending well. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from media import rtcp
from media.bitrate import Bitrate
from media.errors import MalformedPacket
from media.reception import Reception
from media.reorder import Arrival, ReorderBuffer
from media.rtp import RtpPacket, parse_rtp, unwrap_rtx
from media.sender_clock import SenderClock
from media.track import CLOCK_RATES, Kind, TrackId
from media.twcc import ArrivalLog

VIDEO_PATIENCE_SECONDS = 0.5
PATIENCE_WITHOUT_NACK_SECONDS = 0.06
REPORT_INTERVAL_SECONDS = 1.0
TWCC_INTERVAL_SECONDS = 0.1
KEYFRAME_INTERVAL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class PublishedFormat:
    """One kind of media as agreed with a publisher; with RIDs it comes in several layers."""

    kind: Kind
    payload_type: int
    rtx_payload_type: int | None
    nack: bool
    rids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extensions:
    """Numbers of the header extensions that are read, as agreed."""

    transport_cc: int | None = None
    rid: int | None = None
    repaired_rid: int | None = None


class _Incoming:
    """One kind of media of the publisher, or one layer of it."""

    def __init__(self, published: PublishedFormat, layer: int) -> None:
        self.format = published
        self.track: TrackId = (published.kind, layer)
        self.ssrc: int | None = None
        self.rtx_ssrc: int | None = None
        patience = VIDEO_PATIENCE_SECONDS if published.nack else PATIENCE_WITHOUT_NACK_SECONDS
        self.reorder = ReorderBuffer(patience)
        self.reception = Reception(CLOCK_RATES[published.kind])
        self.bitrate = Bitrate()
        self.keyframe_due = 0.0


class Source:
    """One publisher's packets in, packets in order and RTCP for it out; the clock is passed in."""

    def __init__(
        self, formats: list[PublishedFormat], extensions: Extensions, unix_offset: float, ssrc: int
    ) -> None:
        self.clock = SenderClock(unix_offset)
        self.last_packet_at: float | None = None
        self.octets = 0
        self.packets = 0
        self.nacked = 0
        self.keyframes_requested = 0
        self.said_goodbye = False
        self._ssrc = ssrc
        self._extensions = extensions
        self._arrivals = ArrivalLog()
        self._incoming = [
            _Incoming(published, layer) for published in formats for layer in range(len(published.rids) or 1)
        ]
        self._twcc_due = 0.0
        self._report_due = 0.0

    @property
    def tracks(self) -> list[TrackId]:
        """What the publisher may send."""
        return [incoming.track for incoming in self._incoming]

    def video_bitrates(self, now: float) -> dict[int, float]:
        """Return the layers of the picture that flow, with their bits per second."""
        measured = {
            incoming.track[1]: incoming.bitrate.value(now)
            for incoming in self._incoming
            if incoming.track[0] == "video"
        }
        return {layer: bitrate for layer, bitrate in measured.items() if bitrate > 0}

    @property
    def lost(self) -> int:
        """Packets that never arrived the first time."""
        return sum(incoming.reception.lost for incoming in self._incoming)

    def receive(self, data: bytes, now: float) -> list[tuple[TrackId, Arrival]]:
        """Take a packet in and return those whose turn has come; raise `MalformedPacket`."""
        packet = parse_rtp(data)
        self._note_arrival(packet, len(data), now)
        incoming = self._adopt(packet)
        if incoming is None:
            return []
        if packet.payload_type == incoming.format.payload_type:
            incoming.reception.record(packet.sequence, packet.timestamp, now)
            incoming.bitrate.record(len(data), now)
            return _tagged(incoming, incoming.reorder.insert(packet, now))
        if incoming.ssrc is None or packet.payload_type != incoming.format.rtx_payload_type:
            return []
        original = unwrap_rtx(packet, incoming.format.payload_type, incoming.ssrc)
        return _tagged(incoming, incoming.reorder.insert(original, now)) if original else []

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """Learn the publisher's clock, or its leaving; raise `MalformedPacket`."""
        for packet in rtcp.parse_rtcp(data):
            if isinstance(packet, rtcp.SenderReport):
                self._learn_clock(packet, now)
            elif isinstance(packet, rtcp.Goodbye):
                known = {incoming.ssrc for incoming in self._incoming if incoming.ssrc is not None}
                self.said_goodbye |= bool(known) and known <= set(packet.ssrcs)

    def expire(self, now: float) -> list[tuple[TrackId, Arrival]]:
        """Return what was held back behind packets that will not come any more."""
        return [
            tagged
            for incoming in self._incoming
            for tagged in _tagged(incoming, incoming.reorder.expire(now))
        ]

    def feedback(self, now: float) -> list[bytes]:
        """Return the RTCP that is due: NACKs at once, congestion feedback and reports in their turn."""
        packets = list(self._nacks(now))
        if now >= self._twcc_due:
            self._twcc_due = now + TWCC_INTERVAL_SECONDS
            packets += self._congestion_feedback()
        if now >= self._report_due:
            self._report_due = now + REPORT_INTERVAL_SECONDS
            packets.append(self._report(now))
        return packets

    def request_keyframe(self, now: float, layer: int = 0) -> list[bytes]:
        """Return a PLI for a layer of the picture, unless one was sent a moment ago."""
        video = next((incoming for incoming in self._incoming if incoming.track == ("video", layer)), None)
        if video is None or video.ssrc is None or now < video.keyframe_due:
            return []
        video.keyframe_due = now + KEYFRAME_INTERVAL_SECONDS
        self.keyframes_requested += 1
        return [self._report(now) + rtcp.picture_loss(self._ssrc, video.ssrc)]

    def _note_arrival(self, packet: RtpPacket, size: int, now: float) -> None:
        self.last_packet_at = now
        self.packets += 1
        self.octets += size
        if self._extensions.transport_cc is not None:
            number = packet.extensions.get(self._extensions.transport_cc, b"")
            if len(number) == 2:
                self._arrivals.record(int.from_bytes(number, "big"), now)

    def _adopt(self, packet: RtpPacket) -> _Incoming | None:
        """Find whose packet this is; the first SSRC that comes for a place stays in it."""
        for incoming in self._incoming:
            if packet.ssrc in (incoming.ssrc, incoming.rtx_ssrc):
                return incoming
        for incoming in self._incoming:
            if packet.payload_type == incoming.format.payload_type:
                if self._is_layer(incoming, packet, self._extensions.rid):
                    if incoming.ssrc is not None:
                        raise MalformedPacket("a second SSRC for one kind of media")
                    incoming.ssrc = packet.ssrc
                    return incoming
            elif packet.payload_type == incoming.format.rtx_payload_type and self._is_layer(
                incoming, packet, self._extensions.repaired_rid
            ):
                incoming.rtx_ssrc = packet.ssrc
                return incoming
        return None

    def _is_layer(self, incoming: _Incoming, packet: RtpPacket, extension: int | None) -> bool:
        rids = incoming.format.rids
        if not rids:
            return True
        rid = packet.extensions.get(extension, b"") if extension is not None else b""
        return rid == rids[incoming.track[1]].encode()

    def _learn_clock(self, report: rtcp.SenderReport, now: float) -> None:
        for incoming in self._incoming:
            if incoming.ssrc == report.ssrc:
                incoming.reception.record_sender_report(report, now)
                self.clock.learn(incoming.track, report, now)

    def _nacks(self, now: float) -> Iterator[bytes]:
        for incoming in self._incoming:
            if not incoming.format.nack or incoming.ssrc is None:
                continue
            due = incoming.reorder.due_nacks(now)
            if due:
                self.nacked += len(due)
                report = rtcp.receiver_report(self._ssrc, ())
                yield report + rtcp.nack(self._ssrc, incoming.ssrc, due)

    def _congestion_feedback(self) -> list[bytes]:
        known = next((incoming.ssrc for incoming in self._incoming if incoming.ssrc is not None), 0)
        report = rtcp.receiver_report(self._ssrc, ())
        return [
            report + rtcp.transport_feedback(self._ssrc, known, body) for body in self._arrivals.feedback()
        ]

    def _report(self, now: float) -> bytes:
        blocks = [
            incoming.reception.report(incoming.ssrc, now)
            for incoming in self._incoming
            if incoming.ssrc is not None
        ]
        return rtcp.receiver_report(self._ssrc, blocks)


def _tagged(incoming: _Incoming, arrivals: list[Arrival]) -> list[tuple[TrackId, Arrival]]:
    return [(incoming.track, arrival) for arrival in arrivals]
