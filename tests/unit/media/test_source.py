from __future__ import annotations

import pytest

from media import rtcp
from media.errors import MalformedPacket
from media.rtp import RtpPacket
from media.source import Source
from tests.unit.media.world import AUDIO, RTX, VIDEO, make_source


def sent_by(source: Source, now: float) -> list[rtcp.RtcpPacket]:
    return [packet for data in source.feedback(now) for packet in rtcp.parse_rtcp(data)]


def receive(source: Source, packet: RtpPacket, now: float = 1.0) -> list[int]:
    return [arrival.packet.sequence for _, arrival in source.receive(packet.serialize(), now)]


def test_a_hole_is_asked_for_at_once() -> None:
    source = make_source()
    receive(source, RtpPacket(VIDEO, 1, 0, 7, b"\x65"))
    receive(source, RtpPacket(VIDEO, 3, 0, 7, b"\x41"))

    assert rtcp.Nack(7, (2,)) in sent_by(source, 1.0)


def test_a_publisher_that_cannot_repeat_is_not_asked() -> None:
    source = make_source(nack=False)
    receive(source, RtpPacket(VIDEO, 1, 0, 7, b"\x65"))
    receive(source, RtpPacket(VIDEO, 3, 0, 7, b"\x41"))

    assert not [packet for packet in sent_by(source, 1.0) if isinstance(packet, rtcp.Nack)]


def test_a_repetition_by_rtx_fills_the_hole() -> None:
    source = make_source()
    receive(source, RtpPacket(VIDEO, 1, 0, 7, b"\x65"))
    receive(source, RtpPacket(VIDEO, 3, 0, 7, b"\x41"))

    assert receive(source, RtpPacket(RTX, 1, 0, 8, b"\x00\x02\x41")) == [2, 3]


def test_a_bandwidth_probe_is_no_media() -> None:
    source = make_source()
    receive(source, RtpPacket(VIDEO, 1, 0, 7, b"\x65"))

    assert receive(source, RtpPacket(RTX, 1, 0, 8, b"")) == []


def test_an_unknown_payload_type_is_ignored() -> None:
    assert receive(make_source(), RtpPacket(35, 1, 0, 7, b"x")) == []


def test_a_second_ssrc_cannot_join_a_track() -> None:
    source = make_source()
    receive(source, RtpPacket(VIDEO, 1, 0, 7, b"\x65"))

    with pytest.raises(MalformedPacket):
        receive(source, RtpPacket(VIDEO, 900, 0, 99, b"\x65"))


def test_keyframe_requests_are_throttled() -> None:
    source = make_source()
    receive(source, RtpPacket(VIDEO, 1, 0, 7, b"\x41"))

    asked = [bool(source.request_keyframe(1.0 + step * 0.1)) for step in range(6)]

    assert asked == [True, False, False, False, False, True]


def test_congestion_feedback_comes_every_tenth_of_a_second() -> None:
    source = make_source()
    receive(source, RtpPacket(VIDEO, 1, 0, 7, b"\x65", extensions={3: b"\x00\x01"}), 1.0)
    first = source.feedback(1.0)
    receive(source, RtpPacket(VIDEO, 2, 0, 7, b"\x41", extensions={3: b"\x00\x02"}), 1.01)

    assert any(b"\x8f\xcd" in data for data in first)
    assert source.feedback(1.05) == []
    assert len(source.feedback(1.11)) == 1


def test_reports_cover_sound_and_picture() -> None:
    source = make_source()
    receive(source, RtpPacket(VIDEO, 1, 0, 7, b"\x65"))
    receive(source, RtpPacket(AUDIO, 1, 0, 8, b"opus"))

    reports = [packet for packet in sent_by(source, 1.0) if isinstance(packet, rtcp.ReceiverReport)]

    assert [block.ssrc for block in reports[-1].reports] == [8, 7]


def test_the_publishers_clock_is_extrapolated_with_one_offset() -> None:
    source = make_source()
    receive(source, RtpPacket(VIDEO, 1, 0, 7, b"\x65"))
    receive(source, RtpPacket(AUDIO, 1, 0, 8, b"opus"))
    for ssrc, timestamp, at in ((7, 90_000, 100.0), (8, 48_000, 100.25)):
        report = rtcp.SenderReport(ssrc, rtcp.to_ntp(5_000.0 + at), timestamp, 0, 0)
        source.receive_rtcp(rtcp.sender_report(report), at + 0.5 * (ssrc == 8))

    video = source.clock.timestamp_at(("video", 0), 102.0)
    audio = source.clock.timestamp_at(("audio", 0), 102.0)

    assert video == 3 * 90_000
    assert audio == 48_000 + 1.75 * 48_000


def test_a_goodbye_for_all_tracks_is_noticed() -> None:
    source = make_source()
    receive(source, RtpPacket(VIDEO, 1, 0, 7, b"\x65"))
    receive(source, RtpPacket(AUDIO, 1, 0, 8, b"opus"))

    source.receive_rtcp(rtcp.goodbye([7]), 1.0)
    assert not source.said_goodbye
    source.receive_rtcp(rtcp.goodbye([7, 8]), 1.0)
    assert source.said_goodbye
