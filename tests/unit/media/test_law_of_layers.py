"""The law of forwarding holds while viewers change layers, over loss, republishing and wrapping numbers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media import rtcp
from media.rtp import RtpPacket
from media.sink import Leg
from media.source import Source
from media.viewer import Viewer
from tests.unit.media.test_law import FATES, STEP_SECONDS
from tests.unit.media.world import RID, RIDS, VIDEO, World, make_layered_source

LAYERS = len(RIDS)
MAX_TIME_JUMP = 90_000 * 60


@dataclass(frozen=True)
class Layered:
    """One publisher's stay: where each layer's counters start, and whose GOP begins with each frame."""

    starts: list[tuple[int, int]]
    frames: list[tuple[list[bool], int]]
    with_clock: bool


SHOWS = st.lists(
    st.builds(
        Layered,
        starts=st.lists(
            st.tuples(
                st.sampled_from([0, 65_520, 65_535, 30_000]),
                st.sampled_from([0, 0xFFFFFFFF - 9000, 7_000_000]),
            ),
            min_size=LAYERS,
            max_size=LAYERS,
        ),
        frames=st.lists(
            st.tuples(
                st.lists(st.integers(0, 3).map(lambda n: n == 0), min_size=LAYERS, max_size=LAYERS),
                st.integers(1, 3),
            ),
            min_size=3,
            max_size=20,
        ),
        with_clock=st.booleans(),
    ),
    min_size=1,
    max_size=2,
)


def payload(layer: int, order: int, *, is_key: bool) -> bytes:
    return (b"\x65" if is_key else b"\x41") + bytes([layer]) + order.to_bytes(4, "big")


def frame_of(show: Layered, number: int, layer: int, sent: list[RtpPacket], order: int) -> list[RtpPacket]:
    keys, size = show.frames[number]
    sequence, timestamp = show.starts[layer]
    is_key = keys[layer] or number == 0
    return [
        RtpPacket(
            VIDEO,
            (sequence + len(sent) + part) & 0xFFFF,
            (timestamp + number * 3000) & 0xFFFFFFFF,
            ssrc=70 + layer,
            payload=payload(layer, order + part, is_key=is_key and part == 0),
            marker=part == size - 1,
            extensions={RID: RIDS[layer].encode()},
        )
        for part in range(size)
    ]


def tell_clock(source: Source, show: Layered, now: float) -> None:
    for layer, (_, timestamp) in enumerate(show.starts):
        report = rtcp.SenderReport(70 + layer, rtcp.to_ntp(1_000.0 + now), timestamp, 0, 0)
        source.receive_rtcp(rtcp.sender_report(report), now)


def deliver(world: World, source: Source, packet: RtpPacket, now: float) -> None:
    world.stream.take(source.receive(packet.serialize(), now), now)
    world.stream.flush()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(SHOWS, st.data())
def test_changing_layers_leaves_no_gap_and_no_picture_without_its_keyframe(
    shows: list[Layered], data: st.DataObject
) -> None:
    world = World()
    viewers: list[Viewer] = []
    now, order = 1.0, 0
    for show in shows:
        source = make_layered_source()
        world.publish(source)
        sent: list[list[RtpPacket]] = [[] for _ in RIDS]
        viewers.append(world.join(ssrc=100 + 10 * len(viewers)))
        for number in range(len(show.frames)):
            if show.with_clock and number == 1:
                tell_clock(source, show, now)
            for layer in range(LAYERS):
                packets = frame_of(show, number, layer, sent[layer], order)
                order += len(packets)
                for packet in packets:
                    sent[layer].append(packet)
                    fate = data.draw(FATES)
                    if fate in ("arrives", "twice"):
                        deliver(world, source, packet, now)
            for answer in source.feedback(now):
                for asked in rtcp.parse_rtcp(answer):
                    if isinstance(asked, rtcp.Nack):
                        for packet in sent[asked.ssrc - 70]:
                            if packet.sequence in asked.sequences and data.draw(st.booleans()):
                                deliver(world, source, packet, now)
            world.run_timers()
            for viewer in viewers:
                if data.draw(st.booleans()):
                    world.stream.change_layer(viewer, data.draw(st.integers(0, LAYERS - 1)))
            now += STEP_SECONDS
        now += 1.0
        world.stream.take(source.expire(now), now)
        world.stream.flush()
        world.run_timers()

    for viewer in viewers:
        leg = viewer.sink.leg("video")
        assert leg is not None
        check(world.egress.received[leg.ssrc])


def check(received: list[RtpPacket]) -> None:
    if received:
        assert received[0].payload[0] == 0x65
    for before, after in itertools.pairwise(received):
        assert after.sequence == (before.sequence + 1) & 0xFFFF
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF < MAX_TIME_JUMP
        begins = after.payload[0] == 0x65
        if before.payload[1] != after.payload[1]:
            assert begins
        else:
            assert after.payload[2:] > before.payload[2:]


def test_what_was_lost_before_a_change_is_repeated_as_it_was() -> None:
    world = World()
    source = make_layered_source()
    world.publish(source)
    show = Layered([(65_530, 5), (10, 0xFFFFFFF0), (7, 7)], [([True] * 3, 3)] * 6, with_clock=True)
    viewer = world.join(ssrc=100)
    sent: list[list[RtpPacket]] = [[] for _ in RIDS]
    for number in range(6):
        for layer in range(LAYERS):
            for packet in frame_of(show, number, layer, sent[layer], 100 * number):
                sent[layer].append(packet)
                deliver(world, source, packet, 1.0 + number)
        world.run_timers()
        world.stream.change_layer(viewer, (number + 1) % LAYERS)
    leg = viewer.sink.leg("video")
    assert isinstance(leg, Leg)
    before = list(world.egress.received[100])
    assert len({packet.payload[1] for packet in before[-12:]}) > 1

    for number, packet in enumerate(before[-9:]):
        world.stream.retransmit(viewer, rtcp.Nack(100, (packet.sequence,)), 20.0 + number)

    assert world.egress.received[100][len(before) :] == before[-9:]


def test_time_goes_on_where_a_layer_changes_before_the_old_one_comes_from_the_new_publisher() -> None:
    world = World()
    first = Layered([(0, 0)] * LAYERS, [([True] * LAYERS, 1)] * 3, with_clock=False)
    second = Layered([(0, 7_000_000)] * LAYERS, [([True] * LAYERS, 2)] * 3, with_clock=True)
    source = make_layered_source()
    world.publish(source)
    viewer = world.join(ssrc=100)
    sent: list[list[RtpPacket]] = [[] for _ in RIDS]
    for number in range(3):
        for layer in range(LAYERS):
            for packet in frame_of(first, number, layer, sent[layer], number):
                sent[layer].append(packet)
                deliver(world, source, packet, 1.0 + number)
        world.run_timers()

    old = viewer.sink.layer
    wanted = (old + 1) % LAYERS
    world.stream.change_layer(viewer, wanted)
    again = make_layered_source()
    world.publish(again)
    for layer in (old, wanted):  # the second half of a keyframe shows whose it is, and cannot be decoded
        deliver(world, again, frame_of(second, 0, layer, [], 10)[1], 4.0)
    tell_clock(again, second, 4.0)
    for packet in frame_of(second, 1, wanted, frame_of(second, 0, wanted, [], 10), 20):
        deliver(world, again, packet, 5.0)

    check(world.egress.received[100])
    assert viewer.sink.layer == wanted
