"""From which address a request came, behind proxies that we trust."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(items: Sequence[str]) -> tuple[Network, ...]:
    """Read addresses and networks; raise ValueError."""
    return tuple(ipaddress.ip_network(item, strict=False) for item in items)


def client_address(request: Request, trusted: Sequence[Network]) -> str:
    """Return the nearest address that is no proxy of ours: what a client wrote itself is never believed."""
    address = request.client.host if request.client else ""
    # All lines: a proxy may add one of its own behind one that the client made up.
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    while hops and _is_trusted(address, trusted) and _is_address(hops[-1]):
        address = hops.pop()
    return address


def is_private(request: Request, trusted: Sequence[Network]) -> bool:
    """Return whether a request began in a private network; behind an unknown proxy nobody knows."""
    address = client_address(request, trusted)
    peer = request.client.host if request.client else ""
    if not _is_address(address) or ("x-forwarded-for" in request.headers and address == peer):
        return False
    return not ipaddress.ip_address(address).is_global


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    return _is_address(address) and any(ipaddress.ip_address(address) in network for network in trusted)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
