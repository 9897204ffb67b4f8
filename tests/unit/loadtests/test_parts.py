"""Small parts of the load generator."""

from __future__ import annotations

import jwt
import pytest

from livecommerce.accounts import Membership
from livecommerce.clock import now_ms
from livecommerce.gateway.auth import Tokens
from livecommerce.ids import is_id
from livecommerce.signatures import derive_key
from loadtests.agenda import Agenda
from loadtests.loopback import PEOPLE_PER_ADDRESS, NotLoopback, require_loopback, source_address
from loadtests.people import provider_key, sign_in

SECRET = "a secret of at least thirty-two characters"


def test_deeds_are_done_in_order_and_once() -> None:
    agenda, done = Agenda(), list[str]()
    agenda.plan(2.0, lambda: done.append("second"))
    agenda.plan(1.0, lambda: done.append("first"))
    agenda.plan(2.0, lambda: done.append("third"))
    agenda.plan(9.0, lambda: done.append("not yet"))
    for now in (0.5, 2.0, 2.0):
        for deed in agenda.take_due(now):
            deed()
    assert done == ["first", "second", "third"]
    assert agenda.next_at(20.0) == 9.0
    assert agenda.next_at(3.0) == 3.0


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("http://localhost", ("127.0.0.1", 80)),
        ("http://127.9.9.9:1/x", ("127.9.9.9", 1)),
    ],
)
def test_loopback_is_accepted(url: str, address: tuple[str, int]) -> None:
    assert require_loopback(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://10.0.0.1:8000",
        "http://127.0.0.1.example.com",
        "https://127.0.0.1",
        "http://user@192.0.2.1@127.0.0.1.nip.io",
        "127.0.0.1:8000",
        "",
    ],
)
def test_every_other_address_is_refused(url: str) -> None:
    with pytest.raises(NotLoopback):
        require_loopback(url)


def test_households_share_an_address_and_no_two_households_do() -> None:
    addresses = [source_address(number) for number in range(PEOPLE_PER_ADDRESS * 5_000)]
    assert len(set(addresses)) == 5_000
    assert all(address.startswith("127.") and address != "127.0.0.1" for address in addresses)


def test_the_server_believes_the_people_that_we_sign_in() -> None:
    made_up = sign_in(SECRET, "Viewer 7", [("moderator", "zzSHOP")])
    credential = Tokens(SECRET, now_ms).read(made_up.token)
    person = credential.person
    assert is_id(person.person)
    assert (person.person, person.name, person.guest) == (made_up.person, "Viewer 7", False)
    assert person.roles == (Membership("moderator", "zzSHOP"),)
    assert credential.expires_ms > now_ms()


def test_nobody_is_signed_in_with_another_key() -> None:
    token = sign_in("another secret of at least thirty-two characters", "x").token
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, SECRET, ["HS256"], audience="livecommerce")


def test_the_provider_knows_our_key() -> None:
    assert provider_key(SECRET) == derive_key(SECRET, "sandbox").hex()
