"""Whatever a client sends, it ends no session but its own, and nobody else's picture."""

from __future__ import annotations

import contextlib
import itertools
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from media import rtcp
from media.endpoint import stun
from media.endpoint.dtls import is_dtls
from media.endpoint.peer import Peer
from media.endpoint.stun import Address
from media.errors import MalformedPacket
from media.rtp import RtpPacket, parse_rtp
from tests.unit.media.world import AUDIO, IDENTITY, RTX, VIDEO, World, make_layered_source, make_source

HERE: Address = ("192.0.2.1", 4000)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Return something that was well-formed, with some bytes changed, cut or added."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 4))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    cut = draw(st.integers(0, len(data)))
    return bytes(data[:cut] if draw(st.booleans()) else data) + draw(st.binary(max_size=4))


RTP = st.builds(
    lambda kind, sequence, timestamp, ssrc, payload, extensions: RtpPacket(
        kind, sequence, timestamp, ssrc, payload, extensions=extensions
    ).serialize(),
    st.sampled_from([VIDEO, AUDIO, RTX, 35]),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.sampled_from([7, 8, 70, 71, 72]),
    st.binary(max_size=30),
    st.dictionaries(st.sampled_from([3, 10, 11]), st.binary(min_size=1, max_size=4), max_size=3),
)
RTCP = st.one_of(
    st.lists(st.integers(0, 0xFFFF), max_size=20).map(lambda numbers: rtcp.nack(1, 100, numbers)),
    st.just(rtcp.picture_loss(1, 100)),
    st.just(rtcp.goodbye([7, 8])),
    st.builds(
        lambda ntp, timestamp: rtcp.sender_report(rtcp.SenderReport(7, ntp, timestamp, 1, 1)),
        st.integers(0, 2**64 - 1),
        st.integers(0, 2**32 - 1),
    ),
    st.builds(
        lambda kind, count, body: struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body,
        st.integers(200, 207),
        st.integers(0, 31),
        st.binary(max_size=60).map(lambda body: body[: len(body) // 4 * 4]),
    ),
)
CHECKS = st.builds(
    lambda user, nominate: stun.binding_request(bytes(12), user, "password", nominate=nominate),
    st.text(max_size=12),
    st.booleans(),
)
ANY_RTP = st.one_of(st.binary(max_size=80), damaged(RTP))
ANY_RTCP = st.one_of(st.binary(max_size=80), damaged(RTCP))


def frame(number: int, *, key: bool) -> bytes:
    payload = (b"\x65" if key else b"\x41") + number.to_bytes(4, "big")
    return RtpPacket(VIDEO, number & 0xFFFF, number * 3000, 7, payload, True).serialize()


@given(ANY_RTP, ANY_RTCP, st.one_of(st.binary(max_size=80), damaged(CHECKS)))
def test_rubbish_is_malformed_and_nothing_else(packet: bytes, compound: bytes, check: bytes) -> None:
    for read, data in ((parse_rtp, packet), (rtcp.parse_rtcp, compound), (stun.parse_request, check)):
        with contextlib.suppress(MalformedPacket):
            read(data)


@settings(deadline=None, max_examples=60)
@given(st.lists(ANY_RTCP, max_size=12))
def test_a_viewers_feedback_disturbs_no_other_viewer(feedback: list[bytes]) -> None:
    world = World()
    source = make_source()
    world.publish(source)
    hostile, peaceful = world.join(ssrc=100), world.join(ssrc=200)
    assert peaceful.sink.layer == 0

    for number in range(24):
        now = 1.0 + number / 30
        world.stream.take(source.receive(frame(number, key=number % 8 == 0), now), now)
        world.stream.flush()
        if number < len(feedback):
            hostile.rtcp_received(feedback[number], now)
        world.stream.tick(now)
        world.run_timers()

    received = world.egress.received[200]
    assert [packet.payload[1:] for packet in received] == [number.to_bytes(4, "big") for number in range(24)]
    assert all(
        after.sequence == (before.sequence + 1) & 0xFFFF for before, after in itertools.pairwise(received)
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(ANY_RTP, max_size=20), st.lists(ANY_RTCP, max_size=6), st.booleans())
def test_a_publishers_rubbish_never_breaks_the_stream_it_is_on(
    packets: list[bytes], reports: list[bytes], layered: bool
) -> None:
    world = World()
    publisher = world.publish(make_layered_source() if layered else make_source())
    viewer = world.join(ssrc=100)
    for number, data in enumerate(packets):
        now = 1.0 + number / 30
        publisher.rtp_received(data, now)
        if number < len(reports):
            publisher.rtcp_received(reports[number], now)
        world.stream.flush()
        world.stream.tick(now)
        world.stream.change_layer(viewer, number % 3)
        world.run_timers()

    received = world.egress.received[100]
    assert all(
        after.sequence == (before.sequence + 1) & 0xFFFF for before, after in itertools.pairwise(received)
    )


class Ear:
    """Hears whether its peer is gone."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def connected(self) -> None:
        raise AssertionError("rubbish cannot connect")

    def rtp_received(self, data: bytes, now: float) -> None:
        raise AssertionError("rubbish is not authentic")

    rtcp_received = rtp_received

    def disconnected(self, reason: str) -> None:
        self.reasons.append(reason)


DTLS = st.builds(
    lambda kind, body: struct.pack("!BHHIHH", kind, 0xFEFD, 0, 0, 0, len(body)) + body,
    st.integers(20, 63),
    st.binary(max_size=60),
)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.one_of(DTLS, damaged(DTLS), st.binary(max_size=60)), max_size=6))
def test_a_rubbish_handshake_ends_at_most_itself(datagrams: list[bytes]) -> None:
    peer, ear = Peer(IDENTITY, {}, lambda *_: None, 0.0, is_dtls_client=False, keeps_handshake=False), Ear()
    peer.listen(ear)
    check = stun.binding_request(
        bytes(12), f"{peer.credentials.ufrag}:x", peer.credentials.password, nominate=True
    )
    request = stun.parse_request(check)
    assert request is not None
    assert peer.check_received(request, HERE, 0.0)

    for data in datagrams:
        if is_dtls(data):
            peer.dtls_received(data, 0.1)
        else:
            peer.media_received(data, ("192.0.2.7", 50_000), 0.1)
    peer.tick(1.0)

    assert len(ear.reasons) <= 1
