"""Every egress sends exactly what `Leg.rewrite` says, protected, to every leg."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Iterator

import pytest

from media.egress import SLOTS, ArenaEgress, Egress
from media.egress_native import CannotBuild, NativeEgress, open_egress
from media.endpoint.destination import Destination
from media.endpoint.srtp import PROFILES, Inbound, Outbound, Profile
from media.sink import Leg
from media.track import Packet

EGRESSES: dict[str, Callable[[socket.socket], Egress]] = {
    "python": functools.partial(ArenaEgress, segments=False),
    "python-segments": ArenaEgress,
    "native": functools.partial(NativeEgress, segments=False),
    "segments": NativeEgress,
}
FAMILIES = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


class Receiver:
    """A viewer's end of the wire."""

    def __init__(self, profile: Profile, family: socket.AddressFamily, host: str, ssrc: int) -> None:
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.settimeout(5)
        self.socket.bind((host, 0))
        key = bytes(range(profile.key_size + profile.salt_size))
        self._inbound = Inbound(profile, key)
        destination = Destination()
        destination.move(self.socket.getsockname()[:2])
        destination.outbound = Outbound(profile, key)
        self.leg = Leg(destination, ssrc, 96, sequence_offset=65_530, timestamp_offset=4_000_000_000)

    def receive(self, count: int) -> list[bytes | None]:
        """Return that many packets, decrypted."""
        return [self._inbound.open_rtp(self.socket.recv(2048)) for _ in range(count)]


def packets(count: int) -> list[Packet]:
    return [
        Packet(number, number * 3000, number % 3 == 0, bytes([number % 256]) * 900) for number in range(count)
    ]


@pytest.fixture(params=FAMILIES, ids=["ipv4", "ipv6"])
def family(request: pytest.FixtureRequest) -> tuple[socket.AddressFamily, str]:
    found: tuple[socket.AddressFamily, str] = request.param
    return found


@pytest.fixture(params=list(EGRESSES))
def egress(request: pytest.FixtureRequest, family: tuple[socket.AddressFamily, str]) -> Iterator[Egress]:
    with socket.socket(family[0], socket.SOCK_DGRAM) as udp:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        udp.setblocking(False)
        udp.bind((family[1], 0))
        try:
            yield EGRESSES[request.param](udp)
        except CannotBuild as error:
            pytest.skip(str(error))


@pytest.fixture(params=PROFILES, ids=lambda profile: profile.name.decode())
def receivers(
    request: pytest.FixtureRequest, family: tuple[socket.AddressFamily, str]
) -> Iterator[list[Receiver]]:
    opened = [Receiver(request.param, *family, ssrc=100 + number) for number in range(3)]
    yield opened
    for receiver in opened:
        receiver.socket.close()


def test_every_leg_gets_every_packet_rewritten_and_in_order(
    egress: Egress, receivers: list[Receiver]
) -> None:
    sent = packets(20)

    egress.send(sent, [receiver.leg for receiver in receivers])

    for receiver in receivers:
        assert receiver.receive(20) == [receiver.leg.rewrite(packet) for packet in sent]
        assert (receiver.leg.packets, receiver.leg.octets) == (20, 20 * 900)
    assert egress.sent == 60


def test_a_burst_larger_than_the_arena_arrives_whole(egress: Egress, receivers: list[Receiver]) -> None:
    count = SLOTS // 2
    sent = packets(count)

    egress.send(sent, [receiver.leg for receiver in receivers])

    for receiver in receivers:
        assert receiver.receive(count) == [receiver.leg.rewrite(packet) for packet in sent]


@pytest.mark.parametrize(
    "sizes", [[900, 900, 400], [400, 900, 900], [1, 1, 1], [1100] * 70, [900, 899, 899, 900, 20, 20, 1100]]
)
def test_packets_of_every_size_arrive_one_by_one(
    egress: Egress, receivers: list[Receiver], sizes: list[int]
) -> None:
    sent = [Packet(number, 0, False, bytes([number]) * size) for number, size in enumerate(sizes)]

    egress.send(sent, [receiver.leg for receiver in receivers])

    for receiver in receivers:
        assert receiver.receive(len(sizes)) == [receiver.leg.rewrite(packet) for packet in sent]
    assert (egress.sent, egress.dropped) == (3 * len(sizes), 0)


def test_a_leg_that_is_not_connected_gets_nothing(egress: Egress, receivers: list[Receiver]) -> None:
    receivers[0].leg.destination.outbound = None

    egress.send(packets(1), [receivers[0].leg, receivers[1].leg])

    assert receivers[1].receive(1) == [receivers[1].leg.rewrite(packets(1)[0])]
    assert egress.sent == 1


def test_a_peer_that_moved_is_sent_to_its_new_address(egress: Egress, receivers: list[Receiver]) -> None:
    moved, home = receivers[0], receivers[1]
    egress.send(packets(1), [moved.leg])
    moved.receive(1)

    moved.leg.destination.move(home.socket.getsockname()[:2])
    egress.send(packets(2)[1:], [moved.leg])

    assert home.receive(1) == [moved.leg.rewrite(packets(2)[1])]


def test_nothing_leaves_unprotected(egress: Egress, receivers: list[Receiver]) -> None:
    egress.send(packets(1), [receivers[0].leg])

    assert packets(1)[0].payload not in receivers[0].socket.recv(2048)


def test_without_a_compiler_python_sends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        egress = open_egress(udp)

    assert isinstance(egress, ArenaEgress)
    assert "no C compiler" in caplog.text
