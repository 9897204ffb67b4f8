"""Where a peer's packets go: its address as it is now, and its SRTP context."""

from __future__ import annotations

from media.endpoint.srtp import CData, Outbound
from media.endpoint.stun import Address


class Destination:
    """Changes with the peer's network; address and context are None until ICE and DTLS come that far.

    `socket_name` belongs to the egress, which keeps the address there in the kernel's form.
    """

    __slots__ = ("address", "outbound", "socket_name")

    def __init__(self) -> None:
        self.address: Address | None = None
        self.outbound: Outbound | None = None
        self.socket_name: CData = None

    def move(self, address: Address) -> None:
        """Send to `address` from now on."""
        self.address = address
        self.socket_name = None
