from __future__ import annotations

from media.rtp import RtpPacket
from media.track import MAX_REPLAY_FRAMES, RING_PACKETS, Track

SPS, PPS, IDR, SLICE = b"\x67", b"\x68", b"\x65", b"\x41"


def video(sequence: int, timestamp: int, payload: bytes = SLICE) -> RtpPacket:
    return RtpPacket(96, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 7, payload, True)


def audio(sequence: int, timestamp: int) -> RtpPacket:
    return RtpPacket(111, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 8, b"opus", True)


def test_video_waits_for_a_keyframe() -> None:
    track = Track("video")

    assert track.append(video(1, 0), 0, 1.0) is None
    assert track.append(video(2, 3000, IDR), 0, 1.0) is not None
    assert track.append(video(3, 6000), 0, 1.0) is not None


def test_after_a_hole_video_waits_for_a_keyframe_again() -> None:
    track = Track("video")
    track.append(video(1, 0, IDR), 0, 1.0)

    assert track.append(video(3, 6000), 1, 1.0) is None
    assert track.wants_keyframe


def test_lost_audio_leaves_a_gap_for_concealment() -> None:
    track = Track("audio")
    first = track.append(audio(1, 0), 0, 1.0)
    second = track.append(audio(4, 2880), 2, 1.06)

    assert first is not None
    assert second is not None
    assert second.sequence - first.sequence == 3


def test_padding_takes_no_number() -> None:
    track = Track("video")
    first = track.append(video(1, 0, IDR), 0, 1.0)
    assert track.append(video(2, 0, b""), 0, 1.0) is None
    second = track.append(video(3, 3000), 0, 1.0)

    assert first is not None
    assert second is not None
    assert second.sequence == first.sequence + 1


def test_parameter_sets_sent_apart_belong_to_their_keyframe() -> None:
    track = Track("video")
    for sequence, payload in enumerate((SPS, PPS, IDR, SLICE)):
        track.append(video(sequence, 3000 if payload == SLICE else 0, payload), 0, 1.0)

    assert [packet.payload for packet in track.gop()] == [SPS, PPS, IDR, SLICE]
    assert [packet.keyframe for packet in track.gop()] == [True, False, False, False]


def test_a_new_keyframe_starts_a_new_gop() -> None:
    track = Track("video")
    for number, payload in enumerate((IDR, SLICE, IDR, SLICE)):
        track.append(video(number, number * 3000, payload), 0, 1.0)

    assert len(track.gop()) == 2


def test_a_gop_too_long_to_replay_is_replaced_by_a_keyframe() -> None:
    track = Track("video")
    track.append(video(0, 0, IDR), 0, 1.0)
    for number in range(1, MAX_REPLAY_FRAMES + 2):
        track.append(video(number, number * 3000), 0, 1.0)

    assert track.gop() == []
    assert track.wants_keyframe
    assert track.is_open


def test_a_gop_larger_than_the_ring_is_not_replayed() -> None:
    track = Track("video")
    track.append(video(0, 0, IDR), 0, 1.0)
    for number in range(1, RING_PACKETS["video"] + 1):
        track.append(video(number, 3000), 0, 1.0)

    assert track.gop() == []


def test_numbers_and_time_go_on_across_publishers() -> None:
    track = Track("video")
    before = track.append(video(65535, 0xFFFFFF00, IDR), 0, 10.0)
    track.begin_publisher()
    after = track.append(video(7, 42, IDR), 0, 12.0)

    assert before is not None
    assert after is not None
    assert after.sequence == before.sequence + 1
    assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == 2 * 90_000


def test_a_publisher_that_never_sent_does_not_disturb_the_time() -> None:
    track = Track("video")
    before = track.append(video(1, 1000, IDR), 0, 10.0)
    track.begin_publisher()
    track.begin_publisher()
    after = track.append(video(7, 42, IDR), 0, 12.0)

    assert before is not None
    assert after is not None
    assert after.timestamp - before.timestamp == 2 * 90_000
