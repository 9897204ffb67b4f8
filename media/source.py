"""A publisher: its packets put in order, and the feedback that keeps it sending well. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from media import rtcp
from media.errors import MalformedPacket
from media.reception import Reception
from media.reorder import Arrival, ReorderBuffer
from media.rtp import RtpPacket, parse_rtp, unwrap_rtx
from media.sender_clock import SenderClock
from media.track import CLOCK_RATES, Kind
from media.twcc import ArrivalLog

VIDEO_PATIENCE_SECONDS = 0.5
PATIENCE_WITHOUT_NACK_SECONDS = 0.06
REPORT_INTERVAL_SECONDS = 1.0
TWCC_INTERVAL_SECONDS = 0.1
KEYFRAME_INTERVAL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class PublishedFormat:
    """One kind of media as agreed with a publisher."""

    kind: Kind
    payload_type: int
    rtx_payload_type: int | None
    nack: bool


class _Incoming:
    """One kind of media of the publisher."""

    def __init__(self, published: PublishedFormat) -> None:
        self.format = published
        self.ssrc: int | None = None
        patience = VIDEO_PATIENCE_SECONDS if published.nack else PATIENCE_WITHOUT_NACK_SECONDS
        self.reorder = ReorderBuffer(patience)
        self.reception = Reception(CLOCK_RATES[published.kind])


class Source:
    """One publisher's packets in, packets in order and RTCP for it out; the clock is passed in."""

    def __init__(
        self, formats: list[PublishedFormat], twcc_extension: int | None, unix_offset: float, ssrc: int
    ) -> None:
        self.clock = SenderClock(unix_offset)
        self.last_packet_at: float | None = None
        self.octets = 0
        self.packets = 0
        self.nacked = 0
        self.keyframes_requested = 0
        self.said_goodbye = False
        self._ssrc = ssrc
        self._twcc_extension = twcc_extension
        self._arrivals = ArrivalLog()
        self._incoming = [_Incoming(published) for published in formats]
        self._by_payload_type = {incoming.format.payload_type: incoming for incoming in self._incoming}
        self._by_rtx = {
            incoming.format.rtx_payload_type: incoming
            for incoming in self._incoming
            if incoming.format.rtx_payload_type is not None
        }
        self._twcc_due = 0.0
        self._report_due = 0.0
        self._keyframe_due = 0.0

    @property
    def lost(self) -> int:
        """Packets that never arrived the first time."""
        return sum(incoming.reception.lost for incoming in self._incoming)

    def receive(self, data: bytes, now: float) -> list[tuple[Kind, Arrival]]:
        """Take a packet in and return those whose turn has come; raise `MalformedPacket`."""
        packet = parse_rtp(data)
        self._note_arrival(packet, len(data), now)
        incoming = self._by_payload_type.get(packet.payload_type)
        if incoming is not None:
            self._adopt(incoming, packet)
            incoming.reception.record(packet.sequence, packet.timestamp, now)
            return _tagged(incoming, incoming.reorder.insert(packet, now))
        incoming = self._by_rtx.get(packet.payload_type)
        if incoming is None or incoming.ssrc is None:
            return []
        original = unwrap_rtx(packet, incoming.format.payload_type, incoming.ssrc)
        return _tagged(incoming, incoming.reorder.insert(original, now)) if original else []

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """Learn the publisher's clock, or its leaving; raise `MalformedPacket`."""
        for packet in rtcp.parse_rtcp(data):
            if isinstance(packet, rtcp.SenderReport):
                self._learn_clock(packet, now)
            elif isinstance(packet, rtcp.Goodbye):
                known = {incoming.ssrc for incoming in self._incoming}
                self.said_goodbye = self.said_goodbye or known <= set(packet.ssrcs)

    def expire(self, now: float) -> list[tuple[Kind, Arrival]]:
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

    def request_keyframe(self, now: float) -> list[bytes]:
        """Return a PLI, unless one was sent a moment ago."""
        video = next((incoming for incoming in self._incoming if incoming.format.kind == "video"), None)
        if video is None or video.ssrc is None or now < self._keyframe_due:
            return []
        self._keyframe_due = now + KEYFRAME_INTERVAL_SECONDS
        self.keyframes_requested += 1
        return [self._report(now) + rtcp.picture_loss(self._ssrc, video.ssrc)]

    def _note_arrival(self, packet: RtpPacket, size: int, now: float) -> None:
        self.last_packet_at = now
        self.packets += 1
        self.octets += size
        if self._twcc_extension is not None:
            number = packet.extensions.get(self._twcc_extension, b"")
            if len(number) == 2:
                self._arrivals.record(int.from_bytes(number, "big"), now)

    def _adopt(self, incoming: _Incoming, packet: RtpPacket) -> None:
        """Take the first SSRC that comes with the agreed payload type, and stay with it."""
        if incoming.ssrc is None:
            incoming.ssrc = packet.ssrc
        elif incoming.ssrc != packet.ssrc:
            raise MalformedPacket("a second SSRC for one kind of media")

    def _learn_clock(self, report: rtcp.SenderReport, now: float) -> None:
        for incoming in self._incoming:
            if incoming.ssrc == report.ssrc:
                incoming.reception.record_sender_report(report, now)
                self.clock.learn(incoming.format.kind, report, now)

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


def _tagged(incoming: _Incoming, arrivals: list[Arrival]) -> list[tuple[Kind, Arrival]]:
    return [(incoming.format.kind, arrival) for arrival in arrivals]
