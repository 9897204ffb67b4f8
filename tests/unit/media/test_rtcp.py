from __future__ import annotations

import contextlib

import aiortc.rtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import rtcp
from media.errors import MalformedPacket

SSRC = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.builds(
    rtcp.ReportBlock,
    ssrc=SSRC,
    fraction_lost=st.integers(0, 255),
    lost=st.integers(-0x800000, 0x7FFFFF),
    highest_sequence=SSRC,
    jitter=SSRC,
    last_sender_report=SSRC,
    delay_since=SSRC,
)


@given(SSRC, st.lists(BLOCKS, max_size=3))
def test_a_receiver_report_is_read_back(ssrc: int, blocks: list[rtcp.ReportBlock]) -> None:
    assert rtcp.parse_rtcp(rtcp.receiver_report(ssrc, blocks)) == [rtcp.ReceiverReport(ssrc, tuple(blocks))]


@given(SSRC, st.integers(0, (1 << 64) - 1), SSRC, SSRC, SSRC)
def test_a_sender_report_is_read_back(ssrc: int, ntp: int, timestamp: int, packets: int, octets: int) -> None:
    report = rtcp.SenderReport(ssrc, ntp, timestamp, packets, octets)

    assert rtcp.parse_rtcp(rtcp.sender_report(report)) == [report]


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=40, unique=True))
def test_a_nack_names_exactly_what_is_missing(sequences: list[int]) -> None:
    (packet,) = rtcp.parse_rtcp(rtcp.nack(1, 2, sequences))

    assert isinstance(packet, rtcp.Nack)
    assert packet.ssrc == 2
    assert sorted(packet.sequences) == sorted(sequences)


def test_neighbours_share_a_word_across_the_wrap() -> None:
    assert len(rtcp.nack(1, 2, [65534, 65535, 0, 14])) == 16


def test_aiortc_reads_the_nack() -> None:
    (packet,) = aiortc.rtp.RtcpPacket.parse(rtcp.nack(1, 2, [7, 9]))

    assert isinstance(packet, aiortc.rtp.RtcpRtpfbPacket)
    assert packet.lost == [7, 9]


def test_aiortc_reads_the_compound_a_viewer_gets() -> None:
    report = rtcp.sender_report(rtcp.SenderReport(5, 6, 7, 8, 9))
    compound = report + rtcp.source_description([5, 10], "live") + rtcp.goodbye([5])

    sender, description, bye = aiortc.rtp.RtcpPacket.parse(compound)

    assert isinstance(sender, aiortc.rtp.RtcpSrPacket)
    assert isinstance(description, aiortc.rtp.RtcpSdesPacket)
    assert [(chunk.ssrc, chunk.items) for chunk in description.chunks] == [
        (5, [(1, b"live")]),
        (10, [(1, b"live")]),
    ]
    assert isinstance(bye, aiortc.rtp.RtcpByePacket)


def test_pli_and_fir_both_ask_for_a_keyframe() -> None:
    fir = bytes.fromhex("84ce0004 00000001 00000000 00000002 01000000")

    assert rtcp.parse_rtcp(rtcp.picture_loss(1, 2) + fir) == [rtcp.KeyframeRequest(2)] * 2


def test_a_remb_is_read() -> None:
    fci = aiortc.rtp.pack_remb_fci(1_500_000, [2])
    packet = aiortc.rtp.RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=fci)

    (estimate,) = rtcp.parse_rtcp(bytes(packet))

    assert isinstance(estimate, rtcp.BandwidthEstimate)
    assert abs(estimate.bits_per_second - 1_500_000) < 10_000


@given(st.binary(max_size=200))
def test_rubbish_is_malformed_and_nothing_worse(data: bytes) -> None:
    with contextlib.suppress(MalformedPacket):
        rtcp.parse_rtcp(data)


@given(st.integers(200, 206), st.integers(0, 31), st.binary(max_size=64))
def test_a_wrong_body_is_malformed_and_nothing_worse(kind: int, count: int, body: bytes) -> None:
    body = body[: len(body) // 4 * 4]
    data = bytes([0x80 | count, kind]) + (len(body) // 4).to_bytes(2, "big") + body
    with contextlib.suppress(MalformedPacket):
        rtcp.parse_rtcp(data)


def test_a_length_beyond_the_datagram_is_malformed() -> None:
    with pytest.raises(MalformedPacket):
        rtcp.parse_rtcp(bytes([0x80, 201, 0, 9, 0, 0, 0, 1]))


def test_ntp_is_read_back() -> None:
    assert rtcp.from_ntp(rtcp.to_ntp(1_800_000_000.25)) == pytest.approx(1_800_000_000.25)
