"""ICE over TCP (RFC 6544, passive) for networks without UDP: the same packets, framed (RFC 4571)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import cast

from media.endpoint.stun import Address

LENGTH_BYTES = 2
MAX_FRAME = 2048
MAX_UNSENT_BYTES = 256 * 1024
"""What a line too slow for its layer may be behind; more is dropped, as a full queue on the way would."""
UNKNOWN_SECONDS = 10.0
"""How long a connection may be open before a valid check has come over it."""
UNSENT_SECONDS = 10.0
"""How long a closed connection may take for what is still to be sent."""
MAX_CONNECTIONS = 4096
MAX_PER_HOST = 200


class Connection(asyncio.Protocol):
    """One client's TCP connection; takes the place of an address wherever packets come from or go to."""

    def __init__(self, listener: TcpListener) -> None:
        self.address: Address = ("", 0)
        self.is_known = False
        self.dropped = 0
        self._listener = listener
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many already."""
        self._transport = cast(asyncio.Transport, transport)
        host, port = transport.get_extra_info("peername")[:2]
        self.address = (host, port)
        if not self._listener.admit(self):
            self.close()
            return
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(UNKNOWN_SECONDS, self._close_if_unknown)

    def data_received(self, data: bytes) -> None:
        """Pass on whole frames; one longer than any packet ends the connection."""
        self._received += data
        at = 0
        while len(self._received) - at >= LENGTH_BYTES:
            size = int.from_bytes(self._received[at : at + LENGTH_BYTES], "big")
            if size > MAX_FRAME:
                self.close()
                return
            if len(self._received) - at - LENGTH_BYTES < size:
                break
            at += LENGTH_BYTES
            self._listener.frame_received(bytes(self._received[at : at + size]), self)
            at += size
        del self._received[:at]
        self._listener.on_drained()

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell the endpoint."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._transport = None
        self._listener.release(self)

    def send(self, data: bytes) -> bool:
        """Send one frame; return False where the line is too far behind, or gone."""
        transport = self._transport
        if transport is None or transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.dropped += 1
            return False
        transport.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)
        return True

    def close(self) -> None:
        """Close; what is still unsent is dropped."""
        if self._transport is not None:
            self._transport.abort()

    def close_when_sent(self) -> None:
        """Close as soon as what was sent has left, or was not taken for some seconds."""
        if self._transport is not None:
            self._transport.close()
            self._deadline = asyncio.get_running_loop().call_later(UNSENT_SECONDS, self.close)

    def _close_if_unknown(self) -> None:
        if not self.is_known:
            self.close()


Remote = Address | Connection


def address_of(remote: Remote) -> Address:
    """Return the address of whoever is there."""
    return remote.address if isinstance(remote, Connection) else remote


class TcpListener:
    """The open connections; who speaks on them is the endpoint's to know."""

    def __init__(
        self,
        on_frame: Callable[[bytes, Connection], None],
        on_drained: Callable[[], None],
        on_lost: Callable[[Connection], None],
    ) -> None:
        self.connections: set[Connection] = set()
        self.on_drained = on_drained
        self.frame_received = on_frame
        self._on_lost = on_lost
        self._hosts: Counter[str] = Counter()

    def admit(self, connection: Connection) -> bool:
        """Count a connection; return whether there is room for it."""
        host = connection.address[0]
        if len(self.connections) >= MAX_CONNECTIONS or self._hosts[host] >= MAX_PER_HOST:
            return False
        self.connections.add(connection)
        self._hosts[host] += 1
        return True

    def release(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        if connection in self.connections:
            self.connections.remove(connection)
            self._hosts.subtract([connection.address[0]])
            self._hosts += Counter()
            self._on_lost(connection)

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self.connections):
            connection.close()
