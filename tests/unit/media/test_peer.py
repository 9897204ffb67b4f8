"""ICE, DTLS and SRTP between two ends in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.endpoint import stun
from media.endpoint.dtls import Handshake, HandshakeFailed, Identity
from media.endpoint.peer import (
    CONSENT_SECONDS,
    DOUBT_SECONDS,
    HANDSHAKE_KEPT_SECONDS,
    HANDSHAKE_SECONDS,
    Peer,
)
from media.endpoint.srtp import Inbound, Outbound
from media.endpoint.stun import Address
from media.endpoint.tcp import Remote
from media.rtp import RtpPacket
from tests.unit.media.world import IDENTITY

CLIENT = Identity()
HOME: Address = ("192.0.2.7", 50_000)
ROAD: Address = ("198.51.100.9", 60_000)


def fingerprints(identity: Identity) -> dict[str, str]:
    algorithm, value = identity.fingerprint.split()
    return {algorithm: value}


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []

    def connected(self) -> None:
        self.heard.append(("connected", b""))

    def rtp_received(self, data: bytes, now: float) -> None:
        self.heard.append(("rtp", data))

    def rtcp_received(self, data: bytes, now: float) -> None:
        self.heard.append(("rtcp", data))

    def disconnected(self, reason: str) -> None:
        self.heard.append(("disconnected", reason.encode()))


class Ends:
    """A peer of ours and the remote end it talks to; datagrams pass through `lossy`."""

    def __init__(
        self,
        *,
        we_are_client: bool = False,
        keeps_handshake: bool = False,
        trusted: Identity = CLIENT,
        lossy: Callable[[], bool] = lambda: False,
    ) -> None:
        self.listener = Listener()
        self.answers: list[tuple[bytes, Remote]] = []
        self.remote = Handshake(CLIENT, fingerprints(IDENTITY), is_client=not we_are_client)
        self._lossy = lossy
        self.peer = Peer(
            IDENTITY,
            fingerprints(trusted),
            self._transmit,
            0.0,
            is_dtls_client=we_are_client,
            keeps_handshake=keeps_handshake,
        )
        self.peer.listen(self.listener)

    @property
    def keys(self) -> tuple[Inbound, Outbound]:
        assert self.remote.keys is not None
        return self.remote.keys

    def check(self, address: Address = HOME, *, nominate: bool = True, now: float = 0.0) -> bool:
        credentials = self.peer.credentials
        data = stun.binding_request(
            bytes(12), credentials.ufrag + ":x", credentials.password, nominate=nominate
        )
        request = stun.parse_request(data)
        assert request is not None
        return self.peer.check_received(request, address, now)

    def shake_hands(self) -> None:
        self.check()
        for flight in self.remote.start():
            self._to_peer(flight)

    def _to_peer(self, datagram: bytes) -> None:
        if not self._lossy():
            self.peer.dtls_received(datagram, 0.0)

    def _transmit(self, data: bytes, address: Remote) -> None:
        self.answers.append((data, address))
        if not stun.is_stun(data) and self.remote.keys is None and not self._lossy():
            for flight in self.remote.receive(data):
                self._to_peer(flight)


@pytest.mark.parametrize("we_are_client", [False, True])
def test_keys_are_agreed_whoever_begins(we_are_client: bool) -> None:
    ends = Ends(we_are_client=we_are_client)
    if we_are_client:
        ends.check()
    else:
        ends.shake_hands()
    plain = RtpPacket(96, 1, 2, 3, b"payload").serialize()

    ends.peer.media_received(ends.keys[1].protect_rtp(plain), HOME, 1.0)

    assert ends.listener.heard == [("connected", b""), ("rtp", plain)]


def test_the_strongest_common_profile_is_chosen() -> None:
    ends = Ends()
    ends.shake_hands()

    assert ends.remote._connection.get_selected_srtp_profile() == b"SRTP_AEAD_AES_128_GCM"


def test_an_impostor_is_refused() -> None:
    ends = Ends(trusted=IDENTITY)
    ends.shake_hands()

    assert ends.listener.heard == [("disconnected", b"DTLS certificate does not match the SDP")]
    assert not ends.peer.is_connected


def test_a_lost_flight_is_sent_again() -> None:
    fates = iter([False, True])
    ends = Ends(lossy=lambda: next(fates, False))
    ends.shake_hands()
    assert not ends.peer.is_connected

    while ends.remote.keys is None:
        for flight in ends.remote.retransmit():
            ends.peer.dtls_received(flight, 0.0)
        ends.peer.tick(1.0)

    assert ends.peer.is_connected


def test_a_check_with_a_wrong_password_is_not_answered() -> None:
    ends = Ends()
    data = stun.binding_request(bytes(12), ends.peer.credentials.ufrag + ":x", "guess", nominate=True)
    request = stun.parse_request(data)
    assert request is not None

    assert not ends.peer.check_received(request, HOME, 0.0)
    assert ends.answers == []


def test_media_moves_with_a_nomination_alone() -> None:
    ends = Ends()
    ends.check(HOME)
    ends.check(ROAD, nominate=False)
    assert ends.peer.destination.address == HOME

    ends.check(ROAD, nominate=True)
    assert ends.peer.destination.address == ROAD


def test_a_restart_keeps_the_old_credentials_until_the_new_are_used() -> None:
    ends = Ends()
    old = ends.peer.credentials
    ends.peer.restart_ice()
    data = stun.binding_request(bytes(12), old.ufrag + ":x", old.password, nominate=True)
    request = stun.parse_request(data)
    assert request is not None

    assert ends.peer.credentials != old
    assert ends.peer.check_received(request, HOME, 0.0)
    assert ends.check(ROAD)


def test_a_peer_that_falls_silent_is_given_up() -> None:
    ends = Ends()
    ends.shake_hands()
    ends.check(now=10.0)
    ends.peer.tick(10.0 + CONSENT_SECONDS)
    assert ends.peer.is_connected

    ends.peer.tick(10.1 + CONSENT_SECONDS)

    assert ends.listener.heard[-1] == ("disconnected", b"nothing was heard from where media goes")


def test_authentic_media_is_consent_too() -> None:
    ends = Ends()
    ends.shake_hands()
    ends.peer.media_received(ends.keys[1].protect_rtp(RtpPacket(96, 1, 2, 3, b"x").serialize()), HOME, 20.0)

    ends.peer.tick(10.0 + CONSENT_SECONDS)

    assert ends.listener.heard[-1][0] == "rtp"


def test_media_sent_to_an_address_that_never_asked_ends_though_checks_come_from_another() -> None:
    ends = Ends()
    ends.shake_hands()
    ends.check(ROAD, nominate=True, now=1.0)
    packets = (ends.keys[1].protect_rtp(RtpPacket(96, number, 2, 3, b"x").serialize()) for number in range(9))

    for now, packet in zip(range(5, 50, 5), packets, strict=True):
        ends.check(HOME, nominate=False, now=now)
        ends.peer.media_received(packet, HOME, now)
        ends.peer.tick(now)

    assert ends.listener.heard[-1] == ("disconnected", b"nothing was heard from where media goes")


def test_checks_from_the_selected_address_keep_consent_without_a_nomination() -> None:
    ends = Ends()
    ends.shake_hands()

    for now in range(5, 100, 5):
        ends.check(HOME, nominate=False, now=now)
        ends.peer.tick(now)

    assert [kind for kind, _ in ends.listener.heard] == ["connected"]


def test_a_peer_that_never_connects_is_given_up() -> None:
    ends = Ends()

    ends.peer.tick(HANDSHAKE_SECONDS + 0.1)

    assert ends.listener.heard == [("disconnected", b"the peer did not connect in time")]


def test_a_publishers_leaving_is_noticed_at_once() -> None:
    ends = Ends(keeps_handshake=True)
    ends.shake_hands()

    for datagram in ends.remote.close():
        ends.peer.dtls_received(datagram, 1.0)

    assert ends.listener.heard[-1] == ("disconnected", b"the peer closed the connection")


def test_a_viewers_leaving_is_believed_when_silence_follows() -> None:
    ends = Ends()
    ends.shake_hands()
    goodbye = ends.remote.close()
    ends.peer.tick(1.0)
    ends.peer.tick(1.0 + HANDSHAKE_KEPT_SECONDS)
    for datagram in goodbye:
        ends.peer.dtls_received(datagram, 10.0)
    ends.check(now=11.0)
    ends.peer.tick(20.0)
    assert ends.peer.is_connected
    assert ends.listener.heard[-1][0] == "connected"

    for datagram in goodbye:
        ends.peer.dtls_received(datagram, 21.0)
    ends.peer.tick(21.1 + DOUBT_SECONDS)

    assert ends.listener.heard[-1] == ("disconnected", b"the peer left")


def test_a_repeated_or_forged_packet_is_not_heard() -> None:
    ends = Ends()
    ends.shake_hands()
    protected = ends.keys[1].protect_rtp(RtpPacket(96, 1, 2, 3, b"payload").serialize())
    forged = protected[:-1] + bytes([protected[-1] ^ 1])

    for data in (protected, protected, forged, protected[:20]):
        ends.peer.media_received(data, HOME, 1.0)

    assert [kind for kind, _ in ends.listener.heard] == ["connected", "rtp"]


def test_feedback_reaches_the_peer_protected() -> None:
    ends = Ends()
    ends.shake_hands()
    plain = bytes([0x80, 201, 0, 1, 0, 0, 0, 1])
    ends.peer.send_rtcp(plain)

    data, address = ends.answers[-1]

    assert address == HOME
    assert data != plain
    assert ends.keys[0].open_rtcp(data) == plain


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_rubbish_ends_no_session(data: bytes) -> None:
    ends = CONNECTED
    before = len(ends.listener.heard)

    ends.peer.dtls_received(b"\x16" + data, 1.0)
    ends.peer.media_received(b"\x80" + data, HOME, 1.0)
    with contextlib.suppress(HandshakeFailed):
        Handshake(IDENTITY, {}, is_client=False).receive(b"\x16\xfe\xfd" + data)

    assert len(ends.listener.heard) == before


CONNECTED = Ends(keeps_handshake=True)
CONNECTED.shake_hands()
