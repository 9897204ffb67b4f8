"""The law of forwarding: what a viewer receives is gap-free and in the publisher's order."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media import rtcp
from media.rtp import RtpPacket
from media.source import Source
from tests.unit.media.world import VIDEO, World, make_source

STEP_SECONDS = 0.01
FATES = st.sampled_from(["arrives"] * 12 + ["lost", "lost", "late", "twice"])


@dataclass(frozen=True)
class Show:
    """One publisher's stay: where its counters start, and what its frames look like."""

    first_sequence: int
    first_timestamp: int
    frames: list[tuple[bool, int]]


SHOWS = st.lists(
    st.builds(
        Show,
        first_sequence=st.sampled_from([0, 65_500, 65_534, 65_535, 30_000]),
        first_timestamp=st.sampled_from([0, 0xFFFFFFFF - 9000, 123_456]),
        frames=st.lists(
            st.tuples(st.integers(0, 4).map(lambda n: n == 0), st.integers(1, 4)), min_size=1, max_size=25
        ),
    ),
    min_size=1,
    max_size=3,
)


def packets_of(show: Show, first_id: int) -> list[RtpPacket]:
    """Return the packets of a show; each payload carries its place in the publisher's order."""
    packets: list[RtpPacket] = []
    for number, (is_key, size) in enumerate(show.frames):
        for part in range(size):
            begins_key = (is_key or number == 0) and part == 0
            packets.append(
                RtpPacket(
                    VIDEO,
                    (show.first_sequence + len(packets)) & 0xFFFF,
                    (show.first_timestamp + number * 3000) & 0xFFFFFFFF,
                    ssrc=7,
                    payload=(b"\x65" if begins_key else b"\x41")
                    + (first_id + len(packets)).to_bytes(4, "big"),
                    marker=part == size - 1,
                )
            )
    return packets


class Network:
    """Between the publisher and us: loses, delays and repeats, and brings again what a NACK names."""

    def __init__(self, world: World, source: Source, data: st.DataObject) -> None:
        self._world = world
        self._source = source
        self._data = data
        self._late: list[RtpPacket] = []

    def carry(self, packet: RtpPacket, now: float) -> None:
        """Let one packet meet its fate."""
        fate = self._data.draw(FATES)
        if fate == "late":
            self._late.append(packet)
        elif fate != "lost":
            for _ in range(2 if fate == "twice" else 1):
                self._deliver(packet, now)
            late, self._late = self._late, []
            for delayed in late:
                self._deliver(delayed, now)

    def answer_nacks(self, sent: list[RtpPacket], now: float) -> None:
        """Carry again what is asked for; the repetition can be lost too."""
        for data in self._source.feedback(now):
            for packet in rtcp.parse_rtcp(data):
                if isinstance(packet, rtcp.Nack):
                    for again in sent:
                        if again.sequence in packet.sequences:
                            self.carry(again, now)

    def _deliver(self, packet: RtpPacket, now: float) -> None:
        self._world.stream.take(self._source.receive(packet.serialize(), now), now)
        self._world.stream.flush()


def identity(packet: RtpPacket) -> int:
    return int.from_bytes(packet.payload[1:], "big")


def starts(packet: RtpPacket) -> bool:
    return packet.payload[0] == 0x65


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(SHOWS, st.data())
def test_what_a_viewer_receives_is_gap_free_and_in_order(shows: list[Show], data: st.DataObject) -> None:
    world = World()
    viewers = [100]
    world.join(ssrc=viewers[0])
    now, first_id = 1.0, 0
    for show in shows:
        source = make_source()
        for track in world.stream.tracks.values():
            track.begin_publisher()
        network = Network(world, source, data)
        sent = packets_of(show, first_id)
        first_id += len(sent)
        joins_at = data.draw(st.integers(0, len(sent)))
        for number, packet in enumerate(sent):
            if number == joins_at:
                viewers.append(viewers[-1] + 10)
                world.join(ssrc=viewers[-1])
            network.carry(packet, now)
            network.answer_nacks(sent[: number + 1], now)
            now += STEP_SECONDS
        now += 1.0
        world.stream.take(source.expire(now), now)
        world.stream.flush()
        world.run_timers()

    for ssrc in viewers:
        received = world.egress.received[ssrc]
        if not received:
            continue
        assert starts(received[0])
        for before, after in itertools.pairwise(received):
            assert after.sequence == (before.sequence + 1) & 0xFFFF
            assert identity(after) > identity(before)
            assert identity(after) == identity(before) + 1 or starts(after)
            assert (after.timestamp - before.timestamp) & 0xFFFFFFFF < 1 << 31


@given(SHOWS)
def test_without_loss_every_viewer_gets_everything_from_a_keyframe_on(shows: list[Show]) -> None:
    world = World()
    world.join(ssrc=100)
    now, first_id = 1.0, 0
    for show in shows:
        source = make_source()
        for track in world.stream.tracks.values():
            track.begin_publisher()
        for packet in packets_of(show, first_id):
            world.stream.take(source.receive(packet.serialize(), now), now)
            now += STEP_SECONDS
        world.stream.flush()
        world.run_timers()
        first_id += sum(size for _, size in show.frames)

    assert [identity(packet) for packet in world.egress.received[100]] == list(range(first_id))
