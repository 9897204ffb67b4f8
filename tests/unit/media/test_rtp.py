from __future__ import annotations

import contextlib

import aiortc.rtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedPacket
from media.rtp import RtpPacket, is_rtcp, parse_rtp, unwrap_rtx

PACKETS = st.builds(
    RtpPacket,
    payload_type=st.integers(96, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=64),
    marker=st.booleans(),
    extensions=st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=4),
)


@given(PACKETS)
def test_what_is_written_is_read_back(packet: RtpPacket) -> None:
    assert parse_rtp(packet.serialize()) == packet


@given(PACKETS)
def test_aiortc_reads_what_is_written(packet: RtpPacket) -> None:
    theirs = aiortc.rtp.RtpPacket.parse(packet.serialize())

    assert (theirs.payload_type, theirs.sequence_number, theirs.timestamp, theirs.ssrc, theirs.marker) == (
        packet.payload_type,
        packet.sequence,
        packet.timestamp,
        packet.ssrc,
        packet.marker,
    )
    assert theirs.payload == packet.payload


@given(st.binary(max_size=200))
def test_rubbish_is_malformed_and_nothing_worse(data: bytes) -> None:
    with contextlib.suppress(MalformedPacket):
        parse_rtp(data)


@given(PACKETS, st.data())
def test_a_cut_packet_is_malformed_or_shorter(packet: RtpPacket, data: st.DataObject) -> None:
    whole = packet.serialize()
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    with contextlib.suppress(MalformedPacket):
        assert len(parse_rtp(cut).payload) <= len(packet.payload)


def test_padding_is_stripped() -> None:
    padded = bytearray(RtpPacket(96, 1, 2, 3, b"payload").serialize() + b"\0\0\0\4")
    padded[0] |= 0x20

    assert parse_rtp(bytes(padded)).payload == b"payload"


def test_a_padding_only_packet_is_empty() -> None:
    probe = bytearray(RtpPacket(96, 1, 2, 3, b"").serialize() + b"\0\0\0\4")
    probe[0] |= 0x20

    assert parse_rtp(bytes(probe)).payload == b""


def test_padding_longer_than_the_packet_is_malformed() -> None:
    padded = bytearray(RtpPacket(96, 1, 2, 3, b"\xff").serialize())
    padded[0] |= 0x20

    with pytest.raises(MalformedPacket):
        parse_rtp(bytes(padded))


def test_two_byte_extensions_are_read() -> None:
    block = bytes([200, 3]) + b"abc" + bytes([0, 7, 0])
    data = bytearray(RtpPacket(96, 1, 2, 3, b"").serialize() + b"\x10\x00\x00\x02" + block + b"payload")
    data[0] |= 0x10

    packet = parse_rtp(bytes(data))

    assert packet.extensions == {200: b"abc", 7: b""}
    assert packet.payload == b"payload"


def test_a_retransmission_is_unwrapped() -> None:
    rtx = RtpPacket(97, 9, 1234, 2, (65535).to_bytes(2, "big") + b"payload", marker=True)

    assert unwrap_rtx(rtx, 96, 1) == RtpPacket(96, 65535, 1234, 1, b"payload", marker=True)


def test_an_empty_retransmission_is_a_bandwidth_probe() -> None:
    assert unwrap_rtx(RtpPacket(97, 9, 1234, 2, b""), 96, 1) is None


@pytest.mark.parametrize(("second", "expected"), [(200, True), (206, True), (96, False), (0x80 | 111, False)])
def test_rtcp_is_told_from_rtp(second: int, expected: bool) -> None:
    assert is_rtcp(bytes([0x80, second])) is expected
