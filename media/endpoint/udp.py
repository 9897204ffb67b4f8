"""The UDP port all sessions share, and TCP beside it: told apart by ICE user name, then by address."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable

from media.endpoint import stun
from media.endpoint.drains import Drains
from media.endpoint.dtls import Identity, is_dtls
from media.endpoint.peer import Credentials, Peer
from media.endpoint.tcp import Connection, Remote, TcpListener
from media.errors import MalformedPacket

logger = logging.getLogger(__name__)

MAX_DATAGRAM = 2048
MAX_DRAIN = 256
MAX_REMOTES_PER_PEER = 16


class UdpEndpoint:
    """Owns the sockets. `start` begins reading; after each drain of one `on_drained` is called.

    Reading is by a drain loop on the raw descriptor: it hands over packets in bursts, as they came,
    which is what lets the egress send them in bursts.
    """

    def __init__(
        self, udp: socket.socket, clock: Callable[[], float], tcp: socket.socket | None = None
    ) -> None:
        self.socket = udp
        self.tcp = TcpListener(self._frame_received, lambda: self._on_drained(), self._connection_lost)
        self._tcp_socket = tcp
        self._tcp_server: asyncio.Server | None = None
        self.identity = Identity()
        self.malformed = 0
        self.drains = Drains()
        self._clock = clock
        self._by_ufrag: dict[str, Peer] = {}
        self._by_remote: dict[Remote, Peer] = {}
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

    @property
    def takes_tcp(self) -> bool:
        """Whether clients may come over TCP, on the same port number."""
        return self._tcp_socket is not None

    async def listen_tcp(self) -> None:
        """Take connections from now on, where there is a socket for them."""
        if self._tcp_socket is not None:
            self._tcp_server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self.tcp), sock=self._tcp_socket
            )

    def start(self, on_drained: Callable[[], None]) -> None:
        """Read on the running event loop."""
        self._on_drained = on_drained
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.socket.fileno(), self._drain)

    def close(self) -> None:
        """Stop reading and close the sockets."""
        if self._tcp_server is not None:
            self._tcp_server.close()
        self.tcp.close()
        if self._loop is not None:
            self._loop.remove_reader(self.socket.fileno())
        self.socket.close()

    def open_peer(
        self,
        fingerprints: dict[str, str],
        *,
        is_dtls_client: bool,
        keeps_handshake: bool,
        credentials: Credentials | None = None,
    ) -> Peer:
        """Return a peer that answers checks from now on; by new credentials where none were handed out."""
        peer = Peer(
            self.identity,
            fingerprints,
            self.transmit,
            self._clock(),
            is_dtls_client=is_dtls_client,
            keeps_handshake=keeps_handshake,
            credentials=credentials,
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
        for remote in peer.remotes:
            if self._by_remote.get(remote) is peer:
                del self._by_remote[remote]
                if isinstance(remote, Connection):
                    remote.close_when_sent()

    def transmit(self, data: bytes, remote: Remote) -> None:
        """Send one datagram; one that is not taken now is lost, as on any network."""
        if isinstance(remote, Connection):
            remote.send(data)
            return
        with contextlib.suppress(OSError):
            self.socket.sendto(data, remote)

    def _drain(self) -> None:
        now = self._clock()
        for _ in range(MAX_DRAIN):
            try:
                data, address = self.socket.recvfrom(MAX_DATAGRAM)
            except BlockingIOError:
                break
            except OSError:
                continue
            self._receive(data, address[:2], now)
        self._on_drained()
        self.drains.record(self._clock() - now)

    def _frame_received(self, data: bytes, connection: Connection) -> None:
        self._receive(data, connection, self._clock())

    def _connection_lost(self, connection: Connection) -> None:
        peer = self._by_remote.pop(connection, None)
        if peer is not None:
            peer.connection_lost(connection, self._clock())

    def _receive(self, data: bytes, remote: Remote, now: float) -> None:
        try:
            self._dispatch(data, remote, now)
        except MalformedPacket:
            self.malformed += 1
        except Exception:
            # A fault that one packet finds is not to cost those that came with it.
            self.malformed += 1
            logger.exception("a packet of %d bytes could not be handled", len(data))

    def _dispatch(self, data: bytes, remote: Remote, now: float) -> None:
        if stun.is_stun(data):
            self._dispatch_check(data, remote, now)
            return
        peer = self._by_remote.get(remote)
        if peer is None:
            return
        if is_dtls(data):
            peer.dtls_received(data, now)
        elif data and data[0] >> 6 == 2:
            peer.media_received(data, remote, now)

    def _dispatch_check(self, data: bytes, remote: Remote, now: float) -> None:
        request = stun.parse_request(data)
        if request is None:
            return
        peer = self._by_ufrag.get(request.local_ufrag)
        if peer is None or (remote not in peer.remotes and len(peer.remotes) >= MAX_REMOTES_PER_PEER):
            return
        if peer.check_received(request, remote, now):
            self._by_remote[remote] = peer
            if isinstance(remote, Connection):
                remote.is_known = True
