"""One remote party of the endpoint: ICE-lite, then DTLS, then SRTP."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from media.endpoint import stun
from media.endpoint.addresses import unmapped
from media.endpoint.destination import Destination
from media.endpoint.dtls import Handshake, HandshakeFailed, Identity
from media.endpoint.srtp import Inbound
from media.endpoint.tcp import Remote, address_of
from media.rtp import is_rtcp

CONSENT_SECONDS = 30.0
HANDSHAKE_SECONDS = 15.0
HANDSHAKE_KEPT_SECONDS = 5.0
DOUBT_SECONDS = 5.0
ALERT = 21


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name fragment and password of one ICE session (RFC 8445 §5.3)."""

    ufrag: str
    password: str

    @classmethod
    def generate(cls) -> Credentials:
        """Return new ones; the fragment alone tells sessions on one port apart."""
        return cls(secrets.token_hex(8), secrets.token_hex(16))


class PeerListener(Protocol):
    """What a session hears from its peer; called from the socket's read loop."""

    def connected(self) -> None:
        """SRTP keys are agreed and the address is known."""

    def rtp_received(self, data: bytes, now: float) -> None:
        """An authentic RTP packet came, decrypted."""

    def rtcp_received(self, data: bytes, now: float) -> None:
        """An authentic compound RTCP packet came, decrypted."""

    def disconnected(self, reason: str) -> None:
        """The peer left, failed or fell silent; nothing more will be heard."""


class Peer:
    """State of one peer; `transmit` writes a datagram to the endpoint's socket."""

    def __init__(
        self,
        identity: Identity,
        fingerprints: dict[str, str],
        transmit: Callable[[bytes, Remote], None],
        now: float,
        *,
        is_dtls_client: bool,
        keeps_handshake: bool,
        credentials: Credentials | None = None,
    ) -> None:
        self.credentials = credentials or Credentials.generate()
        self.previous_credentials: Credentials | None = None
        self.destination = Destination()
        self.remotes: set[Remote] = set()
        self._listener: PeerListener | None = None
        self._transmit = transmit
        self._handshake: Handshake | None = Handshake(identity, fingerprints, is_client=is_dtls_client)
        self._is_dtls_client = is_dtls_client
        self._keeps_handshake = keeps_handshake
        self._inbound: Inbound | None = None
        self._started_at = now
        self._secured_at: float | None = None
        self._consented_at = now
        self._doubted_at: float | None = None

    @property
    def is_connected(self) -> bool:
        """Whether media can flow."""
        return self.destination.outbound is not None

    def listen(self, listener: PeerListener) -> None:
        """Tell `listener` what happens from now on."""
        self._listener = listener

    def restart_ice(self) -> Credentials:
        """Return new credentials; the old ones are good until the new ones are used."""
        self.previous_credentials = self.credentials
        self.credentials = Credentials.generate()
        return self.credentials

    def check_received(self, request: stun.BindingRequest, remote: Remote, now: float) -> bool:
        """Answer a connectivity check; return whether it was authentic."""
        credentials = self._credentials_for(request)
        if credentials is None or not request.verify(credentials.password):
            return False
        if request.peer_is_controlled:
            self._transmit(stun.role_conflict(request.transaction, credentials.password), remote)
            return True
        self.remotes.add(remote)
        mapped = unmapped(address_of(remote))
        self._transmit(stun.success(request.transaction, mapped, credentials.password), remote)
        if request.nominates or self.destination.remote is None:
            self._select(remote)
        self._hear(remote, now)
        return True

    def dtls_received(self, data: bytes, now: float) -> None:
        """Go on with the handshake, or notice its end."""
        if self._handshake is None:
            self._doubt(data, now)
            return
        if self.destination.remote is None:
            return
        try:
            self._send_all(self._handshake.receive(data))
        except HandshakeFailed as error:
            self._disconnect(str(error))
            return
        if self._handshake.keys is not None and self._inbound is None:
            self._inbound, self.destination.outbound = self._handshake.keys
            self._secured_at = self._consented_at = now
            if self._listener is not None:
                self._listener.connected()
        elif self._handshake.closed:
            self._disconnect("the peer closed the connection")

    def media_received(self, data: bytes, remote: Remote, now: float) -> None:
        """Open an SRTP or SRTCP packet and pass it on."""
        if self._inbound is None or self._listener is None:
            return
        if is_rtcp(data):
            plain = self._inbound.open_rtcp(data)
            if plain is not None:
                self._hear(remote, now)
                self._listener.rtcp_received(plain, now)
            return
        plain = self._inbound.open_rtp(data)
        if plain is not None:
            self._hear(remote, now)
            self._listener.rtp_received(plain, now)

    def send_rtcp(self, data: bytes) -> None:
        """Protect and send a compound packet, where the peer can be reached."""
        outbound, remote = self.destination.outbound, self.destination.remote
        if data and outbound is not None and remote is not None:
            self._transmit(outbound.protect_rtcp(data), remote)

    def connection_lost(self, remote: Remote, now: float) -> None:
        """Take a closed connection for a leaving, unless the peer is heard from elsewhere."""
        self.remotes.discard(remote)
        if self.destination.remote is remote and self._doubted_at is None:
            self._doubted_at = now

    def tick(self, now: float) -> None:
        """Run what is due: retransmission, consent (RFC 7675), release of the handshake's memory."""
        if self._secured_at is None:
            self._tick_handshake(now)
        elif now - self._consented_at > CONSENT_SECONDS:
            self._disconnect("nothing was heard from where media goes")
        elif self._doubted_at is not None and now - self._doubted_at > DOUBT_SECONDS:
            self._disconnect("the peer left")
        elif not self._keeps_handshake and now - self._secured_at > HANDSHAKE_KEPT_SECONDS:
            self._handshake = None

    def close(self) -> None:
        """Say goodbye on the wire; the listener is not told."""
        self._listener = None
        if self._handshake is not None and self.destination.remote is not None:
            self._send_all(self._handshake.close())
        self._handshake = None
        self._inbound = None
        self.destination.outbound = None

    def _hear(self, remote: Remote, now: float) -> None:
        """Take an authentic packet for a sign of life, and for consent where media goes to its sender.

        Whoever knows the password could else keep media flowing to an address that never asked for it.
        """
        self._doubted_at = None
        if remote == self.destination.remote:
            self._consented_at = now

    def _doubt(self, data: bytes, now: float) -> None:
        """Take an alert that can no longer be verified for a leaving, unless the peer is heard again."""
        if data[0] == ALERT and self._doubted_at is None:
            self._doubted_at = now

    def _tick_handshake(self, now: float) -> None:
        if now - self._started_at > HANDSHAKE_SECONDS:
            self._disconnect("the peer did not connect in time")
        elif self._handshake is not None and self.destination.remote is not None:
            try:
                self._send_all(self._handshake.retransmit())
            except HandshakeFailed as error:
                self._disconnect(str(error))

    def _credentials_for(self, request: stun.BindingRequest) -> Credentials | None:
        for credentials in (self.credentials, self.previous_credentials):
            if credentials is not None and credentials.ufrag == request.local_ufrag:
                return credentials
        return None

    def _select(self, remote: Remote) -> None:
        first = self.destination.remote is None
        self.destination.move(remote)
        if first and self._is_dtls_client and self._handshake is not None:
            self._send_all(self._handshake.start())

    def _send_all(self, datagrams: list[bytes]) -> None:
        remote = self.destination.remote
        if remote is not None:
            for datagram in datagrams:
                self._transmit(datagram, remote)

    def _disconnect(self, reason: str) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.disconnected(reason)
