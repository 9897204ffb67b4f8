"""Client addresses behind proxies that we trust."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """Comma-separated addresses and networks; ``ValueError`` for anything else."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def forwarded_for(headers: Headers) -> str:
    """All that was forwarded: a proxy may add a line of its own behind one that the client made up."""
    return ",".join(headers.getlist("x-forwarded-for"))


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The nearest address that is not one of our proxies.

    ``X-Forwarded-For`` is read from its end, as far as each hop is trusted: what a client wrote itself
    is never believed.
    """
    address = peer
    for hop in (peer, *reversed([part.strip() for part in forwarded_for.split(",") if part.strip()])):
        try:
            parsed = ipaddress.ip_address(hop)
        except ValueError:
            return address
        address = hop
        if not any(parsed in network for network in trusted):
            return address
    return address
