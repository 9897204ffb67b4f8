"""RTCP packets (RFC 3550 §6, feedback RFC 4585 and 5104, REMB draft-alvestrand-rmcat-remb)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from media.errors import MalformedPacket

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
GOODBYE = 203
TRANSPORT_FEEDBACK = 205
PAYLOAD_FEEDBACK = 206
NACK_FORMAT = 1
TRANSPORT_CC_FORMAT = 15
PLI_FORMAT = 1
FIR_FORMAT = 4
APPLICATION_FORMAT = 15
NTP_EPOCH_SECONDS = 2_208_988_800
CNAME_ITEM = 1


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one receiver says about one stream; `lost` is cumulative, `fraction_lost` in 1/256."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    last_sender_report: int
    delay_since: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The sender's clock: `ntp` (64 bits, 32.32) and `timestamp` name the same instant."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """Reports of a receiver that sends nothing itself."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Nack:
    """Sequence numbers of `ssrc` that have not arrived."""

    ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """A PLI or FIR about `ssrc`."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class BandwidthEstimate:
    """A REMB: what the receiver believes the path to it carries."""

    bits_per_second: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The named streams have ended."""

    ssrcs: tuple[int, ...]


RtcpPacket = SenderReport | ReceiverReport | Nack | KeyframeRequest | BandwidthEstimate | Goodbye


def parse_rtcp(data: bytes) -> list[RtcpPacket]:
    """Read a compound packet, leaving out kinds that are of no use here; raise `MalformedPacket`."""
    packets: list[RtcpPacket] = []
    for kind, count, body in _split(data):
        read = _READERS.get(kind)
        if read is None:
            continue
        try:
            packets.extend(read(count, body))
        except (struct.error, IndexError) as error:
            raise MalformedPacket(f"RTCP packet of type {kind} is truncated") from error
    return packets


def to_ntp(unix_seconds: float) -> int:
    """Return an NTP timestamp of 64 bits."""
    return int((unix_seconds + NTP_EPOCH_SECONDS) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def from_ntp(ntp: int) -> float:
    """Return seconds since 1970 of a 64-bit NTP timestamp."""
    return ntp / (1 << 32) - NTP_EPOCH_SECONDS


def sender_report(report: SenderReport) -> bytes:
    """Write an SR without report blocks."""
    body = struct.pack(
        "!IQIII",
        report.ssrc,
        report.ntp,
        report.timestamp & 0xFFFFFFFF,
        report.packets & 0xFFFFFFFF,
        report.octets & 0xFFFFFFFF,
    )
    return _packet(SENDER_REPORT, 0, body)


def receiver_report(ssrc: int, reports: Iterable[ReportBlock]) -> bytes:
    """Write an RR."""
    blocks = [
        struct.pack(
            "!IIIIII",
            report.ssrc,
            report.fraction_lost << 24 | report.lost & 0xFFFFFF,
            report.highest_sequence & 0xFFFFFFFF,
            report.jitter & 0xFFFFFFFF,
            report.last_sender_report,
            report.delay_since & 0xFFFFFFFF,
        )
        for report in reports
    ]
    return _packet(RECEIVER_REPORT, len(blocks), struct.pack("!I", ssrc) + b"".join(blocks))


def source_description(ssrcs: Iterable[int], cname: str) -> bytes:
    """Write an SDES that gives several streams one canonical name, which ties sound to picture."""
    item = bytes([CNAME_ITEM, len(cname)]) + cname.encode()
    chunks = [_padded(struct.pack("!I", ssrc) + item) for ssrc in ssrcs]
    return _packet(SOURCE_DESCRIPTION, len(chunks), b"".join(chunks))


def nack(sender: int, ssrc: int, sequences: Iterable[int]) -> bytes:
    """Write a generic NACK; a pair of 16-bit words covers up to 17 sequence numbers."""
    pairs: list[tuple[int, int]] = []
    for sequence in sequences:
        if pairs:
            first, mask = pairs[-1]
            distance = (sequence - first) & 0xFFFF
            if 1 <= distance <= 16:
                pairs[-1] = (first, mask | 1 << distance - 1)
                continue
        pairs.append((sequence & 0xFFFF, 0))
    body = struct.pack("!II", sender, ssrc) + b"".join(struct.pack("!HH", *pair) for pair in pairs)
    return _packet(TRANSPORT_FEEDBACK, NACK_FORMAT, body)


def picture_loss(sender: int, ssrc: int) -> bytes:
    """Write a PLI."""
    return _packet(PAYLOAD_FEEDBACK, PLI_FORMAT, struct.pack("!II", sender, ssrc))


def transport_feedback(sender: int, ssrc: int, body: bytes) -> bytes:
    """Write a transport-wide congestion control packet round its `body`."""
    return _packet(TRANSPORT_FEEDBACK, TRANSPORT_CC_FORMAT, struct.pack("!II", sender, ssrc) + body)


def goodbye(ssrcs: Iterable[int]) -> bytes:
    """Write a BYE."""
    sources = tuple(ssrcs)
    return _packet(GOODBYE, len(sources), b"".join(struct.pack("!I", ssrc) for ssrc in sources))


def _packet(kind: int, count: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def _padded(chunk: bytes) -> bytes:
    return chunk + bytes(4 - len(chunk) % 4)


def _split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            raise MalformedPacket("RTCP header is truncated")
        first, kind, words = struct.unpack_from("!BBH", data, at)
        if first >> 6 != 2:
            raise MalformedPacket("RTCP version is not 2")
        end = at + 4 + 4 * words
        if end > len(data):
            raise MalformedPacket("RTCP packet exceeds the datagram")
        body = data[at + 4 : end]
        if first & 0x20 and body:
            body = body[: max(0, len(body) - body[-1])]
        yield kind, first & 0x1F, body
        at = end


def _report_blocks(count: int, body: bytes, start: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(count):
        ssrc, loss, highest, jitter, last, delay = struct.unpack_from("!IIIIII", body, start + 24 * index)
        lost = loss & 0xFFFFFF
        if lost & 0x800000:
            lost -= 1 << 24
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last, delay))
    return tuple(blocks)


def _read_sender_report(count: int, body: bytes) -> list[RtcpPacket]:
    ssrc, ntp, timestamp, packets, octets = struct.unpack_from("!IQIII", body)
    return [SenderReport(ssrc, ntp, timestamp, packets, octets, _report_blocks(count, body, 24))]


def _read_receiver_report(count: int, body: bytes) -> list[RtcpPacket]:
    (ssrc,) = struct.unpack_from("!I", body)
    return [ReceiverReport(ssrc, _report_blocks(count, body, 4))]


def _read_goodbye(count: int, body: bytes) -> list[RtcpPacket]:
    return [Goodbye(struct.unpack_from(f"!{count}I", body))]


def _read_transport_feedback(count: int, body: bytes) -> list[RtcpPacket]:
    if count != NACK_FORMAT:
        return []
    _, ssrc = struct.unpack_from("!II", body)
    sequences: list[int] = []
    for at in range(8, len(body) - 3, 4):
        first, mask = struct.unpack_from("!HH", body, at)
        sequences.append(first)
        sequences += [(first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1]
    return [Nack(ssrc, tuple(sequences))]


def _read_payload_feedback(count: int, body: bytes) -> list[RtcpPacket]:
    _, ssrc = struct.unpack_from("!II", body)
    if count == PLI_FORMAT:
        return [KeyframeRequest(ssrc)]
    if count == FIR_FORMAT:
        return [KeyframeRequest(struct.unpack_from("!I", body, at)[0]) for at in range(8, len(body) - 7, 8)]
    if count == APPLICATION_FORMAT and body[8:12] == b"REMB":
        bits = int.from_bytes(body[13:16], "big")
        return [BandwidthEstimate((bits & 0x3FFFF) << (bits >> 18))]
    return []


_READERS: dict[int, Callable[[int, bytes], list[RtcpPacket]]] = {
    SENDER_REPORT: _read_sender_report,
    RECEIVER_REPORT: _read_receiver_report,
    GOODBYE: _read_goodbye,
    TRANSPORT_FEEDBACK: _read_transport_feedback,
    PAYLOAD_FEEDBACK: _read_payload_feedback,
}
