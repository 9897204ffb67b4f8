"""Which addresses the media socket listens on."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from media.endpoint.addresses import bind_udp, pack_address, unmapped


def receive_from(server: socket.socket, family: socket.AddressFamily, host: str) -> str:
    server.settimeout(5)
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.sendto(b"hello", (host, server.getsockname()[1]))
        return unmapped(server.recvfrom(16)[1][:2])[0]


def test_one_address_of_ours_is_bound_itself() -> None:
    with closing(bind_udp(("127.0.0.1",), 0)) as udp:
        assert udp.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "advertised", [("127.0.0.1", "::1"), ("203.0.113.7",)], ids=["several", "behind-nat"]
)
def test_otherwise_both_families_reach_the_socket(advertised: tuple[str, ...]) -> None:
    with closing(bind_udp(advertised, 0)) as udp:
        assert receive_from(udp, socket.AF_INET, "127.0.0.1") == "127.0.0.1"
        assert receive_from(udp, socket.AF_INET6, "::1") == "::1"


def test_a_taken_port_is_not_evaded() -> None:
    with closing(bind_udp(("127.0.0.1",), 0)) as udp, pytest.raises(OSError, match="in use"):
        bind_udp(("127.0.0.1",), udp.getsockname()[1])


@pytest.mark.parametrize(
    ("address", "family"), [(("127.0.0.1", 9), socket.AF_INET), (("::1", 9), socket.AF_INET6)]
)
def test_an_address_is_laid_out_for_the_kernel(
    address: tuple[str, int], family: socket.AddressFamily
) -> None:
    assert len(pack_address(address, family)) == (16 if family == socket.AF_INET else 28)
