from __future__ import annotations

import pytest
from starlette.requests import Request

from media.client_address import client_address, is_private, parse_networks
from media.limits import line_of

TRUSTED = parse_networks(["127.0.0.1", "10.0.0.0/8"])


def request(peer: str, forwarded: str = "") -> Request:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return Request({"type": "http", "client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.7, 10.1.1.1", "198.51.100.7"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_only_our_own_proxies_are_believed(peer: str, forwarded: str, expected: str) -> None:
    assert client_address(request(peer, forwarded), TRUSTED) == expected


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff", "2001:db8::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_customers_line_is_one_address_or_64_bits(address: str, line: str) -> None:
    assert line_of(address) == line


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.168.1.9", "", True),
        ("8.8.8.8", "", False),
        ("", "", False),
        ("127.0.0.1", "192.168.1.9", True),
        ("127.0.0.1", "8.8.8.8", False),
        ("127.0.0.1", "nonsense", False),
        ("192.168.1.9", "192.168.1.7", False),
    ],
)
def test_a_request_is_private_by_where_it_began_as_far_as_that_is_known(
    peer: str, forwarded: str, expected: bool
) -> None:
    assert is_private(request(peer, forwarded), TRUSTED) is expected
