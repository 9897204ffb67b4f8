"""RTP packets (RFC 3550 §5, header extensions RFC 8285, retransmission RFC 4588)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from media.errors import MalformedPacket

HEADER = struct.Struct("!BBHII")
HEADER_SIZE = HEADER.size
VERSION_2 = 0x80
MARKER = 0x80
PADDING = 0x20
EXTENSION = 0x10
ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000


@dataclass(slots=True)
class RtpPacket:
    """A packet as it came from the network; `sequence` and `timestamp` still wrap."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False
    extensions: dict[int, bytes] = field(default_factory=dict)

    def serialize(self) -> bytes:
        """Return the bytes; extensions are written in the one-byte form (ids 1-14, 1-16 bytes)."""
        extension = _serialize_extensions(self.extensions)
        first = VERSION_2 | (EXTENSION if extension else 0)
        second = self.payload_type | (MARKER if self.marker else 0)
        header = HEADER.pack(first, second, self.sequence, self.timestamp, self.ssrc)
        return header + extension + self.payload


def is_rtcp(data: bytes) -> bool:
    """Tell RTCP from RTP on a multiplexed port (RFC 5761 §4)."""
    return len(data) >= 2 and 192 <= data[1] <= 223


def parse_rtp(data: bytes) -> RtpPacket:
    """Read a packet, without its contributing sources and padding; raise `MalformedPacket`."""
    if len(data) < HEADER_SIZE:
        raise MalformedPacket("RTP header is truncated")
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise MalformedPacket("RTP version is not 2")
    start = HEADER_SIZE + 4 * (first & 0x0F)
    extensions: dict[int, bytes] = {}
    if first & EXTENSION:
        start, extensions = _parse_extensions(data, start)
    end = len(data)
    if first & PADDING:
        end -= data[-1]
        if data[-1] == 0:
            raise MalformedPacket("RTP padding has length zero")
    if start > end:
        raise MalformedPacket("RTP header or padding exceeds the packet")
    return RtpPacket(
        payload_type=second & 0x7F,
        sequence=sequence,
        timestamp=timestamp,
        ssrc=ssrc,
        payload=data[start:end],
        marker=bool(second & MARKER),
        extensions=extensions,
    )


def unwrap_rtx(packet: RtpPacket, payload_type: int, ssrc: int) -> RtpPacket | None:
    """Return the packet that `packet` retransmits, or None where it is an empty bandwidth probe."""
    if len(packet.payload) < 2:
        return None
    return RtpPacket(
        payload_type=payload_type,
        sequence=int.from_bytes(packet.payload[:2], "big"),
        timestamp=packet.timestamp,
        ssrc=ssrc,
        payload=packet.payload[2:],
        marker=packet.marker,
    )


def _parse_extensions(data: bytes, start: int) -> tuple[int, dict[int, bytes]]:
    if start + 4 > len(data):
        raise MalformedPacket("RTP header extension is truncated")
    profile, words = struct.unpack_from("!HH", data, start)
    end = start + 4 + 4 * words
    if end > len(data):
        raise MalformedPacket("RTP header extension exceeds the packet")
    block = data[start + 4 : end]
    if profile == ONE_BYTE_PROFILE:
        return end, _parse_one_byte(block)
    if profile & 0xFFF0 == TWO_BYTE_PROFILE:
        return end, _parse_two_byte(block)
    return end, {}


def _parse_one_byte(block: bytes) -> dict[int, bytes]:
    extensions: dict[int, bytes] = {}
    at = 0
    while at < len(block):
        number, size = block[at] >> 4, (block[at] & 0x0F) + 1
        if number == 0:
            at += 1
            continue
        if number == 15:
            break
        extensions[number] = block[at + 1 : at + 1 + size]
        at += 1 + size
    return extensions


def _parse_two_byte(block: bytes) -> dict[int, bytes]:
    extensions: dict[int, bytes] = {}
    at = 0
    while at < len(block):
        number = block[at]
        if number == 0:
            at += 1
            continue
        if at + 1 >= len(block):
            break
        size = block[at + 1]
        extensions[number] = block[at + 2 : at + 2 + size]
        at += 2 + size
    return extensions


def _serialize_extensions(extensions: dict[int, bytes]) -> bytes:
    if not extensions:
        return b""
    block = b"".join(bytes([number << 4 | len(value) - 1]) + value for number, value in extensions.items())
    block += bytes(-len(block) % 4)
    return struct.pack("!HH", ONE_BYTE_PROFILE, len(block) // 4) + block
