from __future__ import annotations

import pytest

from media import rtcp
from media.answer import Transport, write_answer
from media.endpoint.peer import Credentials
from media.errors import MalformedPacket
from media.rtp import RtpPacket
from media.sdp import parse_offer
from media.simulcast import MAX_LAYERS, MID, REPAIRED_RID, RID, offered_layers
from tests.unit.media import world
from tests.unit.media.test_sdp import offer_text
from tests.unit.media.world import RIDS, RTX, VIDEO, make_layered_source

TRANSPORT = Transport(Credentials("ufrag", "password"), "sha-256 AB:CD", ("192.0.2.1",), 8002)


def answer_to(text: str) -> str:
    return write_answer(parse_offer(text, "sendonly"), "recvonly", TRANSPORT)


def test_chromiums_three_layers_are_taken() -> None:
    answer = answer_to(offer_text("chromium_simulcast"))

    assert "a=simulcast:recv q;h;f\r\n" in answer
    assert [f"a=rid:{rid} recv\r\n" in answer for rid in "qhf"] == [True] * 3
    for uri in (MID, RID, REPAIRED_RID):
        assert uri in answer


def test_a_publisher_of_one_layer_is_not_asked_for_more() -> None:
    answer = answer_to(offer_text("chromium_publisher"))

    assert "simulcast" not in answer
    assert "a=rid" not in answer
    assert RID not in answer


def test_layers_that_packets_could_not_name_are_declined() -> None:
    text = offer_text("chromium_simulcast").replace(RID, "urn:example:other")

    assert "simulcast" not in answer_to(text)


@pytest.mark.parametrize(
    ("lines", "layers"),
    [
        ("a=rid:a send\na=rid:b send\na=simulcast:send a;b", ("a", "b")),
        ("a=rid:a send\na=rid:b send\na=simulcast:send ~a,x;b", ("a", "b")),
        ("a=rid:a send\na=rid:b send\na=simulcast:recv z send a;b", ("a", "b")),
        ("a=rid:a send\na=simulcast:send a;b", ()),
        ("a=rid:a send\na=simulcast:send a", ()),
        ("a=rid:a recv\na=rid:b recv\na=simulcast:recv a;b", ()),
        ("a=simulcast:send ;;;", ()),
    ],
)
def test_layers_are_read_as_they_are_declared(lines: str, layers: tuple[str, ...]) -> None:
    assert offered_layers(f"v=0\nm=audio 9 x 1\nm=video 9 x 1\n{lines}\n") == [(), layers]


def test_more_layers_than_are_kept_apart_are_cut() -> None:
    rids = [f"r{number}" for number in range(9)]
    lines = [*(f"a=rid:{rid} send" for rid in rids), "a=simulcast:send " + ";".join(rids)]

    assert offered_layers("v=0\nm=video 9 x 1\n" + "\n".join(lines)) == [tuple(rids[:MAX_LAYERS])]


def packet(layer: int, sequence: int, *, named: bool = True, payload_type: int = VIDEO) -> RtpPacket:
    extension = world.RID if payload_type == VIDEO else 11
    return RtpPacket(
        payload_type,
        sequence,
        0,
        70 + layer + (10 if payload_type == RTX else 0),
        b"\x00\x05\x41" if payload_type == RTX else b"\x65",
        extensions={extension: RIDS[layer].encode()} if named else {},
    )


def test_packets_go_by_their_rid_first_and_by_their_ssrc_then() -> None:
    source = make_layered_source()
    arrivals = [
        source.receive(packet(layer, 1 + step, named=step == 0).serialize(), 1.0)
        for step in range(2)
        for layer in (2, 0, 1)
    ]

    assert [[track for track, _ in each] for each in arrivals] == [
        [("video", layer)] for _ in range(2) for layer in (2, 0, 1)
    ]


def test_a_layer_that_says_no_name_is_nobodys() -> None:
    source = make_layered_source()

    assert source.receive(packet(0, 1, named=False).serialize(), 1.0) == []


def test_a_second_stream_under_a_layers_name_is_refused() -> None:
    source = make_layered_source()
    source.receive(packet(0, 1).serialize(), 1.0)

    with pytest.raises(MalformedPacket):
        source.receive(RtpPacket(VIDEO, 1, 0, 99, b"\x65", extensions={world.RID: b"q"}).serialize(), 1.0)


def test_each_layer_is_repaired_by_its_own_repetitions() -> None:
    source = make_layered_source()
    for layer in range(3):
        source.receive(packet(layer, 4).serialize(), 1.0)
        source.receive(packet(layer, 6).serialize(), 1.0)

    asked = [
        one for data in source.feedback(1.0) for one in rtcp.parse_rtcp(data) if isinstance(one, rtcp.Nack)
    ]
    [*filled] = source.receive(packet(1, 1, payload_type=RTX).serialize(), 1.1)

    assert asked == [rtcp.Nack(70 + layer, (5,)) for layer in range(3)]
    assert [(track, arrival.packet.sequence) for track, arrival in filled] == [
        (("video", 1), 5),
        (("video", 1), 6),
    ]


def test_keyframes_are_asked_for_layer_by_layer() -> None:
    source = make_layered_source()
    for layer in range(3):
        source.receive(packet(layer, 1).serialize(), 1.0)

    first = [source.request_keyframe(1.0, layer) for layer in (0, 2, 0)]

    assert [bool(sent) for sent in first] == [True, True, False]
    assert rtcp.KeyframeRequest(72) in rtcp.parse_rtcp(first[1][0])


def test_what_flows_is_measured_layer_by_layer() -> None:
    source = make_layered_source()
    for step in range(20):
        now = 1.0 + step * 0.1
        for layer in (0, 2) if step < 10 else (0,):
            source.receive(packet(layer, step + 1).serialize(), now)

    assert set(source.video_bitrates(1.9)) == {0, 2}
    assert set(source.video_bitrates(3.6)) == {0}
    assert set(source.video_bitrates(9.0)) == set()
