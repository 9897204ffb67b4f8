"""The UDP socket all sessions share: told apart by ICE user name, then by address."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from media.endpoint import stun
from media.endpoint.dtls import Identity, is_dtls
from media.endpoint.peer import Peer
from media.endpoint.stun import Address
from media.errors import MalformedPacket

MAX_DATAGRAM = 2048
MAX_DRAIN = 256
MAX_ADDRESSES_PER_PEER = 16


class UdpEndpoint:
    """Owns the socket. `start` begins reading; after each drain of the socket `on_drained` is called.

    Reading is by a drain loop on the raw descriptor: it hands over packets in bursts, as they came,
    which is what lets the egress send them in bursts.
    """

    def __init__(self, udp: socket.socket, clock: Callable[[], float]) -> None:
        self.socket = udp
        self.identity = Identity()
        self.malformed = 0
        self._clock = clock
        self._by_ufrag: dict[str, Peer] = {}
        self._by_address: dict[Address, Peer] = {}
        self._on_drained: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def port(self) -> int:
        """The port that is bound."""
        port: int = self.socket.getsockname()[1]
        return port

    @property
    def peers(self) -> set[Peer]:
        """All peers, connected or about to be."""
        return set(self._by_ufrag.values())

    def start(self, on_drained: Callable[[], None]) -> None:
        """Read on the running event loop."""
        self._on_drained = on_drained
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.socket.fileno(), self._drain)

    def close(self) -> None:
        """Stop reading and close the socket."""
        if self._loop is not None:
            self._loop.remove_reader(self.socket.fileno())
        self.socket.close()

    def open_peer(self, fingerprints: dict[str, str], *, is_dtls_client: bool, keeps_handshake: bool) -> Peer:
        """Return a peer that answers checks from now on."""
        peer = Peer(
            self.identity,
            fingerprints,
            self.transmit,
            self._clock(),
            is_dtls_client=is_dtls_client,
            keeps_handshake=keeps_handshake,
        )
        self._by_ufrag[peer.credentials.ufrag] = peer
        return peer

    def restart_ice(self, peer: Peer) -> None:
        """Give a peer new credentials beside the ones in use."""
        if peer.previous_credentials is not None:
            self._by_ufrag.pop(peer.previous_credentials.ufrag, None)
        self._by_ufrag[peer.restart_ice().ufrag] = peer

    def close_peer(self, peer: Peer) -> None:
        """Forget a peer; packets from it are ignored afterwards."""
        peer.close()
        for credentials in (peer.credentials, peer.previous_credentials):
            if credentials is not None:
                self._by_ufrag.pop(credentials.ufrag, None)
        for address in peer.addresses:
            if self._by_address.get(address) is peer:
                del self._by_address[address]

    def transmit(self, data: bytes, address: Address) -> None:
        """Send one datagram; one the kernel will not take now is lost, as on any network."""
        with contextlib.suppress(OSError):
            self.socket.sendto(data, address)

    def _drain(self) -> None:
        now = self._clock()
        for _ in range(MAX_DRAIN):
            try:
                data, address = self.socket.recvfrom(MAX_DATAGRAM)
            except BlockingIOError:
                break
            except OSError:
                continue
            try:
                self._dispatch(data, address[:2], now)
            except MalformedPacket:
                self.malformed += 1
        self._on_drained()

    def _dispatch(self, data: bytes, address: Address, now: float) -> None:
        if stun.is_stun(data):
            self._dispatch_check(data, address, now)
            return
        peer = self._by_address.get(address)
        if peer is None:
            return
        if is_dtls(data):
            peer.dtls_received(data, now)
        elif data and data[0] >> 6 == 2:
            peer.media_received(data, now)

    def _dispatch_check(self, data: bytes, address: Address, now: float) -> None:
        request = stun.parse_request(data)
        if request is None:
            return
        peer = self._by_ufrag.get(request.local_ufrag)
        if peer is None or (address not in peer.addresses and len(peer.addresses) >= MAX_ADDRESSES_PER_PEER):
            return
        if peer.check_received(request, address, now):
            self._by_address[address] = peer
