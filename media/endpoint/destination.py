"""Where a peer's packets go: its address as it is now, and its SRTP context."""

from __future__ import annotations

from media.endpoint.srtp import CData, Outbound
from media.endpoint.stun import Address
from media.endpoint.tcp import Connection, Remote


class Destination:
    """Changes with the peer's network; address and context are None until ICE and DTLS come that far.

    A peer that is reached over TCP has a connection and no address. `socket_name` belongs to the egress,
    which keeps the address there in the kernel's form.
    """

    __slots__ = ("address", "connection", "outbound", "socket_name")

    def __init__(self) -> None:
        self.address: Address | None = None
        self.connection: Connection | None = None
        self.outbound: Outbound | None = None
        self.socket_name: CData = None

    @property
    def remote(self) -> Remote | None:
        """Where packets go."""
        return self.address if self.connection is None else self.connection

    def move(self, remote: Remote) -> None:
        """Send there from now on."""
        if isinstance(remote, Connection):
            self.connection, self.address = remote, None
        else:
            self.connection, self.address = None, remote
        self.socket_name = None
