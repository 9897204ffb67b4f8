from __future__ import annotations

import contextlib

import aioice.stun
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.endpoint import stun
from media.errors import MalformedPacket

TRANSACTION = bytes(range(12))


def test_aioices_check_is_understood_and_verified() -> None:
    message = aioice.stun.Message(
        message_method=aioice.stun.Method.BINDING, message_class=aioice.stun.Class.REQUEST
    )
    message.attributes["USERNAME"] = "ours:theirs"
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(b"password")

    request = stun.parse_request(bytes(message))

    assert request is not None
    assert request.local_ufrag == "ours"
    assert request.nominates
    assert request.verify("password")
    assert not request.verify("another")


@pytest.mark.parametrize("address", [("192.0.2.7", 50_000), ("2001:db8::7", 50_000)])
def test_aioice_understands_the_answer(address: stun.Address) -> None:
    data = stun.success(TRANSACTION, address, "password")

    message = aioice.stun.parse_message(data)

    assert message.check_message_integrity(b"password")
    assert message.message_class is aioice.stun.Class.RESPONSE
    assert message.attributes["XOR-MAPPED-ADDRESS"] == address


def test_a_role_conflict_is_said_with_its_number() -> None:
    message = aioice.stun.parse_message(stun.role_conflict(TRANSACTION, "password"))

    assert message.attributes["ERROR-CODE"] == (487, "Role Conflict")


def test_a_request_without_integrity_is_not_authentic() -> None:
    message = aioice.stun.Message(
        message_method=aioice.stun.Method.BINDING, message_class=aioice.stun.Class.REQUEST
    )
    message.attributes["USERNAME"] = "ours:theirs"

    request = stun.parse_request(bytes(message))

    assert request is not None
    assert not request.verify("password")
    assert not request.verify("")


def test_answers_of_others_are_not_requests() -> None:
    assert stun.parse_request(stun.success(TRANSACTION, ("192.0.2.7", 1), "password")) is None


@given(st.binary(max_size=120))
def test_rubbish_is_malformed_and_nothing_worse(data: bytes) -> None:
    with contextlib.suppress(MalformedPacket):
        stun.parse_request(data)


@given(st.binary(max_size=100).map(lambda body: body[: len(body) // 4 * 4]))
def test_rubbish_attributes_are_malformed_and_nothing_worse(body: bytes) -> None:
    head = b"\x00\x01" + len(body).to_bytes(2, "big") + stun.COOKIE_BYTES + TRANSACTION
    with contextlib.suppress(MalformedPacket):
        request = stun.parse_request(head + body)
        assert request is None or not request.verify("password")


@given(st.integers(0, 79), st.integers(1, 255))
def test_a_changed_byte_is_noticed(at: int, change: int) -> None:
    data = bytearray(stun.binding_request(TRANSACTION, "ours:theirs", "password", nominate=True))
    data[at % (len(data) - 8)] ^= change

    with contextlib.suppress(MalformedPacket):
        request = stun.parse_request(bytes(data))
        assert request is None or not request.verify("password")
