"""Load goes to this machine only, and comes from as many of its addresses as there are clients."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

PEOPLE_PER_ADDRESS = 8
"""A household's worth: servers limit how many sockets one address opens at once."""


class NotLoopback(Exception):
    """The address is not this machine's loopback."""


def require_loopback(url: str) -> tuple[str, int]:
    """Host and port of an ``http`` address on loopback.

    Raises:
        NotLoopback: it is anything else; a load generator pointed at other people's servers is an attack.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        good = parts.scheme == "http" and ipaddress.ip_address(address).is_loopback
    except ValueError:
        good = False
    if not good:
        raise NotLoopback(f"{url} is not http on this machine's loopback")
    return address, parts.port or 80


def source_address(number: int) -> str:
    """The loopback address of client ``number``; 127.0.0.1 is left to others."""
    household = number // PEOPLE_PER_ADDRESS + 256
    return f"127.{household >> 16 & 255}.{household >> 8 & 255}.{household & 255}"


def bind_source(sock: socket.socket, number: int) -> None:
    """Makes a TCP socket come from client ``number``'s address (Linux; elsewhere there is only 127.0.0.1)."""
    option = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", None)
    if option is None or sock.family != socket.AF_INET:
        return
    sock.setsockopt(socket.IPPROTO_IP, option, 1)
    sock.bind((source_address(number), 0))
