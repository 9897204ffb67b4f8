"""Egress to viewers of whom a few are reached over TCP."""

from __future__ import annotations

from collections.abc import Sequence

from media.egress import Egress
from media.endpoint.tcp import Connection
from media.sink import Leg
from media.track import Packet


class ForkedEgress:
    """Sends by UDP in bulk, and to connections one packet at a time."""

    def __init__(self, udp: Egress, connections: set[Connection]) -> None:
        self._udp = udp
        self._connections = connections
        self._sent = 0
        self._dropped = 0

    @property
    def is_native(self) -> bool:
        """Whether the hot loop is compiled."""
        return self._udp.is_native

    @property
    def sent(self) -> int:
        """Packets that sockets have taken."""
        return self._udp.sent + self._sent

    @property
    def dropped(self) -> int:
        """Packets they have not."""
        return self._udp.dropped + self._dropped

    def send(self, packets: Sequence[Packet], legs: Sequence[Leg]) -> None:
        """Send now."""
        if not self._connections:
            self._udp.send(packets, legs)
            return
        self._udp.send(packets, [leg for leg in legs if leg.destination.connection is None])
        for leg in legs:
            if leg.destination.connection is not None:
                self._send(packets, leg, leg.destination.connection)

    def _send(self, packets: Sequence[Packet], leg: Leg, connection: Connection) -> None:
        outbound = leg.destination.outbound
        if outbound is None:
            return
        for packet in packets:
            leg.packets += 1
            leg.octets += len(packet.payload)
            if connection.send(outbound.protect_rtp(leg.rewrite(packet))):
                self._sent += 1
            else:
                self._dropped += 1
