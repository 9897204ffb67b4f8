from __future__ import annotations

import itertools

from media import rtcp
from media.endpoint.destination import Destination
from media.rtp import RtpPacket, parse_rtp
from media.sink import REPEATS_AT_ONCE, REPEATS_PER_SECOND, Sink, ViewedFormat, squeeze
from media.track import Packet, Track
from tests.unit.media.world import RTX, VIDEO

FRAME = 3000


def make_track(frames: int) -> Track:
    track = Track("video")
    for number in range(frames):
        payload = b"\x65" if number == 0 else b"\x41"
        track.append(RtpPacket(VIDEO, number, number * FRAME, 7, payload + bytes([number]), True), 0, 1.0)
    return track


def make_sink(track: Track, *, rtx: bool = False) -> Sink:
    viewed = ViewedFormat("video", VIDEO, 100, RTX if rtx else None, 102 if rtx else None)
    sink = Sink([viewed], Destination(), "live")
    sink.start_video(track.gop())
    return sink


def sent(sink: Sink, packets: list[Packet]) -> list[RtpPacket]:
    leg = sink.leg("video")
    assert leg is not None
    return [parse_rtp(leg.rewrite(packet)) for packet in packets]


def repeat(sink: Sink, nack: rtcp.Nack, track: Track, now: float) -> list[Packet]:
    kind, packets = sink.retransmissions(nack, {("video", 0): track}, now)
    assert kind == "video"
    return packets


def test_a_viewer_who_asks_for_everything_again_and_again_gets_no_more_than_a_line_could_lose() -> None:
    track = Track("video")
    for number in range(2_000):
        payload = b"\x65" if number == 0 else b"\x41"
        track.append(RtpPacket(VIDEO, number, number * FRAME, 7, payload, True), 0, 1.0)
    sink = make_sink(make_track(1))
    leg = sink.leg("video")
    assert leg is not None
    everything = tuple((number + leg.sequence_offset) & 0xFFFF for number in range(2_000)) * 4

    again = [repeat(sink, rtcp.Nack(100, everything), track, 1.0 + step / 10) for step in range(20)]

    assert again[0]
    assert sum(map(len, again)) <= REPEATS_AT_ONCE + 2 * REPEATS_PER_SECOND


def test_a_replay_ends_at_the_newest_frames_time() -> None:
    gop = make_track(10).gop()

    squeezed = squeeze(gop)

    assert squeezed[-1].timestamp == gop[-1].timestamp
    assert [b.timestamp - a.timestamp for a, b in itertools.pairwise(squeezed)] == [90] * 9


def test_live_packets_queue_behind_a_replay() -> None:
    track = make_track(3)
    sink = make_sink(track)
    live = track.append(RtpPacket(VIDEO, 3, 3 * FRAME, 7, b"\x41live", True), 0, 1.0)
    assert live is not None

    assert not sink.is_live("video")
    sink.follow([live])

    replayed = sink.next_replay(24)
    assert replayed[-1] is live
    assert sink.is_live("video")


def test_without_a_cached_gop_the_next_keyframe_starts_the_picture() -> None:
    sink = Sink([ViewedFormat("video", VIDEO, 100)], Destination(), "live")
    sink.follow([Packet(4, 0, True, b"\x41", False)])
    assert not sink.is_replaying

    sink.follow([Packet(5, 0, True, b"\x41", False), Packet(6, 0, True, b"\x65", True)])

    assert [packet.sequence for packet in sink.next_replay(24)] == [6]


def test_a_lost_packet_is_repeated_byte_for_byte() -> None:
    track = make_track(5)
    sink = make_sink(track)
    first = sent(sink, sink.next_replay(24))

    again = repeat(sink, rtcp.Nack(100, (first[2].sequence,)), track, 1.0)

    assert sent(sink, again) == [first[2]]


def test_a_repetition_is_not_repeated_at_once() -> None:
    track = make_track(5)
    sink = make_sink(track)
    nack = rtcp.Nack(100, (sent(sink, sink.next_replay(24))[2].sequence,))

    assert len(repeat(sink, nack, track, 1.0)) == 1
    assert repeat(sink, nack, track, 1.05) == []
    assert len(repeat(sink, nack, track, 1.2)) == 1


def test_where_agreed_a_repetition_goes_by_rtx() -> None:
    track = make_track(5)
    sink = make_sink(track, rtx=True)
    first = sent(sink, sink.next_replay(24))
    leg = sink.repair_leg("video")
    assert leg is not None

    again = repeat(sink, rtcp.Nack(100, (first[2].sequence, first[3].sequence)), track, 1.0)
    repeated = [parse_rtp(leg.rewrite(packet)) for packet in again]

    assert [packet.payload for packet in repeated] == [
        packet.sequence.to_bytes(2, "big") + packet.payload for packet in first[2:4]
    ]
    assert [packet.timestamp for packet in repeated] == [packet.timestamp for packet in first[2:4]]
    assert repeated[1].sequence == repeated[0].sequence + 1
    assert {packet.ssrc for packet in repeated} == {102}


def test_what_was_never_sent_is_not_repeated() -> None:
    track = make_track(5)
    sink = make_sink(track)
    first = sent(sink, sink.next_replay(24))

    before = rtcp.Nack(100, ((first[0].sequence - 1) & 0xFFFF,))
    beyond = rtcp.Nack(100, ((first[-1].sequence + 1) & 0xFFFF,))

    assert repeat(sink, before, track, 1.0) == []
    assert repeat(sink, beyond, track, 1.0) == []


def test_another_viewers_ssrc_is_not_answered() -> None:
    track = make_track(5)
    sink = make_sink(track)
    first = sent(sink, sink.next_replay(24))

    assert repeat(sink, rtcp.Nack(999, (first[2].sequence,)), track, 1.0) == []


def test_a_replay_that_was_freed_is_not_repeated_with_other_timestamps() -> None:
    track = make_track(5)
    sink = make_sink(track)
    first = sent(sink, sink.next_replay(24))
    for _ in range(2):
        sink.reports({}, 0)

    assert repeat(sink, rtcp.Nack(100, (first[2].sequence,)), track, 9.0) == []


def test_reports_tie_sound_and_picture_to_one_instant() -> None:
    formats = [ViewedFormat("audio", 111, 101), ViewedFormat("video", VIDEO, 100)]
    sink = Sink(formats, Destination(), "live")
    for kind in ("audio", "video"):
        leg = sink.leg("audio" if kind == "audio" else "video")
        assert leg is not None
        leg.packets, leg.octets = 3, 300

    audio, video = rtcp.parse_rtcp(sink.reports({("audio", 0): 48_000, ("video", 0): 90_000}, 1 << 40))

    assert audio == rtcp.SenderReport(101, 1 << 40, 48_000, 3, 300)
    assert video == rtcp.SenderReport(100, 1 << 40, 90_000, 3, 300)


def test_nothing_is_reported_before_something_was_sent() -> None:
    sink = Sink([ViewedFormat("audio", 111, 101)], Destination(), "live")

    assert sink.reports({("audio", 0): 1}, 1) == b""
