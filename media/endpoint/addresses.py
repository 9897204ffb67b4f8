"""Socket addresses: which to bind, how the kernel lays them out."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence

from media.endpoint.stun import Address

MAPPED_PREFIX = "::ffff:"


def pack_address(address: Address, family: int) -> bytes:
    """Return a `sockaddr_in` or `sockaddr_in6` for a socket of this family."""
    host, port = address
    if family == socket.AF_INET:
        return struct.pack("=H", family) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)
    packed = socket.inet_pton(socket.AF_INET6, host)
    return struct.pack("=H", family) + struct.pack("!HI", port, 0) + packed + bytes(4)


def unmapped(address: Address) -> Address:
    """Return an IPv4 address that a dual-stack socket shows as IPv6 in its own form."""
    host, port = address
    return (host.removeprefix(MAPPED_PREFIX), port)


def bind_udp(advertised: Sequence[str], port: int) -> socket.socket:
    """Bind the socket of an endpoint: to the address where one is advertised and ours, else to all.

    A single address is bound so that answers leave from it, whatever the routes say; with several,
    or behind NAT, the routes decide. Raises OSError where the port is taken.
    """
    if len(advertised) == 1:
        try:
            return _bind(advertised[0], port)
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
    try:
        return _bind("::", port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise
        return _bind("0.0.0.0", port)  # noqa: S104 - a media port is there to be reached


def bind_tcp_beside(udp: socket.socket) -> socket.socket:
    """Listen on the TCP port of the same number and address. Raises OSError where it is taken."""
    tcp = socket.socket(udp.family, socket.SOCK_STREAM)
    try:
        if udp.family == socket.AF_INET6:
            tcp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.setblocking(False)
        tcp.bind(udp.getsockname())
        tcp.listen(1024)
    except OSError:
        tcp.close()
        raise
    return tcp


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        udp.setblocking(False)
        udp.bind((host, port))
    except OSError:
        udp.close()
        raise
    return udp
