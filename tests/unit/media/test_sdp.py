from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from media.answer import Transport, write_answer, write_fragment
from media.endpoint.peer import Credentials
from media.errors import MalformedOffer, UnacceptableOffer
from media.sdp import TRANSPORT_CC, Direction, Offer, RejectedMedia, parse_offer

OFFERS = Path(__file__).with_name("offers")
TRANSPORT = Transport(Credentials("ufrag", "password"), "sha-256 AB:CD", ("192.0.2.1", "2001:db8::1"), 8002)


def offer_text(name: str) -> str:
    return (OFFERS / f"{name}.sdp").read_bytes().decode()


def answer_to(name: str, theirs: Direction) -> tuple[Offer, SessionDescription, str]:
    offer = parse_offer(offer_text(name), theirs)
    text = write_answer(
        offer.with_ssrcs() if theirs == "recvonly" else offer,
        "recvonly" if theirs == "sendonly" else "sendonly",
        TRANSPORT,
    )
    return offer, SessionDescription.parse(text), text


@pytest.mark.parametrize("name", ["chromium_publisher", "obs"])
def test_publishers_are_answered_with_h264_and_opus(name: str) -> None:
    _, answer, _ = answer_to(name, "sendonly")

    audio, video = answer.media
    assert [codec.mimeType for codec in audio.rtp.codecs] == ["audio/opus"]
    assert video.rtp.codecs[0].mimeType == "video/H264"
    assert {media.direction for media in answer.media} == {"recvonly"}


def test_viewers_are_answered_with_what_they_will_be_sent() -> None:
    _, answer, text = answer_to("chromium_viewer", "recvonly")

    audio, video = answer.media
    assert {media.direction for media in answer.media} == {"sendonly"}
    assert [codec.mimeType for codec in video.rtp.codecs] == ["video/H264", "video/rtx"]
    assert len(audio.ssrc) == 1
    assert len(video.ssrc) == 2
    assert "a=ssrc-group:FID" in text


def test_constrained_baseline_is_preferred() -> None:
    _, answer, _ = answer_to("chromium_publisher", "sendonly")

    assert answer.media[1].rtp.codecs[0].parameters["profile-level-id"] == "42e01f"
    assert answer.media[1].rtp.codecs[0].parameters["packetization-mode"] == "1"


def test_obs_keeps_its_payload_types() -> None:
    offer, _, _ = answer_to("obs", "sendonly")

    assert [media.payload_type for media in offer.media] == [111, 96]


def test_congestion_feedback_is_agreed_with_the_offers_number() -> None:
    offer, answer, _ = answer_to("chromium_publisher", "sendonly")

    assert [header.id for header in answer.media[1].rtp.headerExtensions if header.uri == TRANSPORT_CC] == [
        offer.media[1].extension(TRANSPORT_CC)
    ]


def test_only_browsers_are_told_a_start_bitrate() -> None:
    _, _, viewer = answer_to("chromium_viewer", "recvonly")
    _, _, publisher = answer_to("chromium_publisher", "sendonly")

    assert "x-google-start-bitrate" in publisher
    assert "x-google-start-bitrate" not in viewer


def test_the_answer_is_ice_lite_with_every_address() -> None:
    _, answer, text = answer_to("chromium_viewer", "recvonly")

    assert "a=ice-lite" in text
    assert [candidate.ip for candidate in answer.media[0].ice_candidates] == ["192.0.2.1", "2001:db8::1"]
    assert answer.media[0].ice_candidates[0].priority > answer.media[0].ice_candidates[1].priority


def test_we_wait_for_the_handshake_unless_they_do() -> None:
    text = offer_text("chromium_publisher")
    _, answer, _ = answer_to("chromium_publisher", "sendonly")
    passive = parse_offer(text.replace("a=setup:actpass", "a=setup:passive"), "sendonly")

    assert answer.media[0].dtls is not None
    assert answer.media[0].dtls.role == "server"
    assert passive.makes_us_dtls_client
    assert "a=setup:active" in write_answer(passive, "recvonly", TRANSPORT)


def test_a_data_channel_is_declined_and_the_media_served() -> None:
    text = offer_text("chromium_viewer") + (
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n"
        "a=sctp-port:5000\r\na=setup:actpass\r\n"
    )
    offer = parse_offer(text, "recvonly")

    assert isinstance(offer.sections[2], RejectedMedia)
    answer = write_answer(offer.with_ssrcs(), "sendonly", TRANSPORT)
    assert "m=application 0 " in answer
    assert "a=group:BUNDLE 0 1\r\n" in answer


def test_audio_alone_is_served() -> None:
    text = offer_text("obs").partition("m=video")[0]

    assert [media.kind for media in parse_offer(text, "sendonly").media] == ["audio"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("H264/90000", "VP8/90000", "choose H264"),
        ("opus/48000/2", "PCMU/8000", "choose Opus"),
        ("packetization-mode=1", "packetization-mode=0", "packetization-mode=1"),
        ("a=sendonly", "a=recvonly", "must be sendonly"),
        ("a=rtcp-mux\r\n", "", "rtcp-mux"),
        ("a=group:BUNDLE 0 1\r\n", "", "BUNDLE"),
        ("a=setup:actpass\r\n", "", "DTLS"),
        ("a=ice-ufrag:k3Qz\r\n", "", "ICE"),
        ("a=msid:iTn8Vb3hGcRyUe5A iTn8Vb3hGcRyUe5A-video", "a=msid:other track", "one MediaStream"),
        ("m=audio 51203 UDP/TLS/RTP/SAVPF 111", "m=audio 0 UDP/TLS/RTP/SAVPF 111", None),
    ],
)
def test_an_offer_that_cannot_be_served_is_told_why(old: str, new: str, says: str | None) -> None:
    text = offer_text("obs")
    assert old in text
    if says is None:
        assert [media.kind for media in parse_offer(text.replace(old, new), "sendonly").media] == ["video"]
        return

    with pytest.raises(UnacceptableOffer, match=says):
        parse_offer(text.replace(old, new), "sendonly")


def test_a_track_of_no_stream_is_taken() -> None:
    text = offer_text("obs").replace("a=msid:iTn8Vb3hGcRyUe5A iTn8Vb3hGcRyUe5A-video", "a=msid: ")

    assert len(parse_offer(text, "sendonly").media) == 2


def test_two_pictures_are_one_too_many() -> None:
    text = offer_text("obs")
    _, separator, video = text.partition("m=video")
    second = (separator + video).replace("a=mid:1", "a=mid:2")

    with pytest.raises(UnacceptableOffer, match="at most one"):
        parse_offer((text + second).replace("BUNDLE 0 1", "BUNDLE 0 1 2"), "sendonly")


@pytest.mark.parametrize("text", ["", "hello", "v=0\r\n", "m=audio", "{}", "m=video 9 X 1\r\na=fmtp:9 x"])
def test_what_is_no_sdp_is_malformed(text: str) -> None:
    with pytest.raises(MalformedOffer):
        parse_offer(text, "sendonly")


def test_more_sections_than_anybody_needs_are_malformed() -> None:
    common, sections = "a=fingerprint:a\r\n" * 1_800, "m=a 1 A b\r\n" * 3_200
    with pytest.raises(MalformedOffer):
        parse_offer(f"v=0\r\n{common}{sections}", "recvonly")


@given(st.text(max_size=300))
def test_any_text_is_refused_and_nothing_worse(text: str) -> None:
    with contextlib.suppress(MalformedOffer, UnacceptableOffer):
        parse_offer(text, "sendonly")


@given(st.data())
def test_a_damaged_offer_is_refused_or_answered(data: st.DataObject) -> None:
    lines = offer_text(data.draw(st.sampled_from(["obs", "chromium_publisher"]))).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[at])))
        lines[at] = lines[at][:cut] + data.draw(st.text(max_size=8))
    with contextlib.suppress(MalformedOffer, UnacceptableOffer):
        write_answer(parse_offer("\r\n".join(lines) + "\r\n", "sendonly"), "recvonly", TRANSPORT)


def test_a_restart_is_answered_with_a_fragment() -> None:
    offer = parse_offer(offer_text("chromium_viewer"), "recvonly")

    fragment = write_fragment(offer, TRANSPORT)

    assert fragment.count("a=ice-ufrag:ufrag") == 2
    assert fragment.count("a=end-of-candidates") == 2
    assert "a=mid:0" in fragment
