"""What is read without the library is what the library reads: handshakes, frames and tokens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.protocol import State
from websockets.server import ServerProtocol

from livecommerce.accounts import Membership, Person
from livecommerce.clock import now_ms
from livecommerce.errors import Unauthenticated
from livecommerce.gateway.auth import Tokens
from livecommerce.gateway.encodings import ENCODINGS
from livecommerce.gateway.frames import Plain, plain_frame
from livecommerce.gateway.handshake import Opening, handshaking, plain_answer, thorough_answer
from livecommerce.gateway.own_tokens import own_claims
from tests.raw_socket import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame
from tests.rooms import ROOM

MOST = 8 * 1024

# ---------------------------------------------------------------- handshakes

PLAIN = {
    b"host": b"shop.example",
    b"connection": b"Upgrade",
    b"upgrade": b"websocket",
    b"sec-websocket-version": b"13",
    b"sec-websocket-key": b"dGhlIHNhbXBsZSBub25jZQ==",
    b"sec-websocket-protocol": b"livecommerce.v1.msgpack",
}
odd_values = st.sampled_from(
    [
        *(b"", b"13", b"14", b"013", b"Upgrade", b"keep-alive, Upgrade", b"keep-alive,upgrade", b"close"),
        *(b"WebSocket", b"h2c", b"websocket, h2c", b"livecommerce.v1.json", b"livecommerce.v1.json, other"),
        *(b"chat", b"a b", b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBsZSBub25jZR==", b"AAAA", b"x" * 24),
        *(b"permessage-deflate", b"\xff"),
    ]
)
names = st.sampled_from([*PLAIN, b"sec-websocket-extensions", b"origin", b"x-anything"])


def answer_of_the_library(opening: Opening) -> tuple[int, dict[str, str], State]:
    library = handshaking()
    response = thorough_answer(opening, library)
    library.send_response(response)
    headers = {name.lower(): value for name, value in response.headers.raw_items() if name != "Date"}
    return response.status_code, headers, library.state


@given(
    changes=st.lists(st.tuples(names, st.none() | odd_values), max_size=3),
    more=st.lists(st.tuples(names, odd_values), max_size=2),
    method=st.sampled_from(["GET", "GET", "GET", "POST"]),
)
@example(changes=[(b"sec-websocket-protocol", None)], more=[(b"sec-websocket-protocol", b"")], method="GET")
def test_what_opens_a_socket_here_opens_it_by_the_library_with_the_same_answer(
    changes: Sequence[tuple[bytes, bytes | None]], more: Sequence[tuple[bytes, bytes]], method: str
) -> None:
    headers = {name: value for name, value in {**PLAIN, **dict(changes)}.items() if value is not None}
    opening = Opening(method, f"/ws/{ROOM}", [*headers.items(), *more])
    answered = plain_answer(opening)
    if answered is None:
        return
    head, subprotocol = answered
    status, *lines = head.decode().rstrip("\r\n").split("\r\n")
    told = {name.lower(): value for name, value in (line.split(": ") for line in lines)}
    assert status.startswith("HTTP/1.1 101 ")
    assert (101, told, State.OPEN) == answer_of_the_library(opening)
    assert told.get("sec-websocket-protocol", "") == subprotocol


@pytest.mark.parametrize("connection", [b"Upgrade", b"keep-alive, Upgrade"])
@pytest.mark.parametrize("protocol", [*(name.encode() for name in ENCODINGS), None])
def test_requests_as_browsers_send_them_need_no_library(connection: bytes, protocol: bytes | None) -> None:
    headers = {**PLAIN, b"connection": connection, b"sec-websocket-extensions": b"permessage-deflate"}
    headers.pop(b"sec-websocket-protocol")
    if protocol is not None:
        headers[b"sec-websocket-protocol"] = protocol
    assert plain_answer(Opening("GET", f"/ws/{ROOM}", list(headers.items()))) is not None


# ---------------------------------------------------------------- frames

payloads = st.binary(max_size=20) | st.sampled_from([124, 125, 126, 127, MOST - 1, MOST, MOST + 1]).map(bytes)
frames = st.builds(
    frame,
    st.sampled_from([TEXT, TEXT, BINARY, PONG, PING, CONT, CLOSE, 0x3]),
    payloads,
    fin=st.sampled_from([True, True, True, False]),
    masked=st.sampled_from([True, True, True, False]),
    reserved=st.sampled_from([0, 0, 0, 4]),
)


def frames_of_the_library(data: bytes) -> list[Frame]:
    library = ServerProtocol(state=State.OPEN, max_size=MOST)
    library.receive_data(data)
    return [event for event in library.events_received() if isinstance(event, Frame)]


@given(before=st.binary(max_size=3), data=st.lists(frames, min_size=1, max_size=3).map(b"".join))
def test_a_plain_frame_is_what_the_library_reads(before: bytes, data: bytes) -> None:
    found = plain_frame(before + data, len(before), MOST)
    if found is None:
        return
    read = frames_of_the_library(data[: found.end - len(before)])
    assert [(bytes(one.data), one.fin) for one in read] == [(found.payload, True)]
    assert found.is_message == (read[0].opcode in (TEXT, BINARY))


@given(
    payload=payloads.filter(lambda payload: len(payload) <= MOST),
    opcode=st.sampled_from([TEXT, BINARY]),
    cut=st.integers(1, 20),
)
def test_whole_messages_are_plain_and_half_ones_are_not(payload: bytes, opcode: int, cut: int) -> None:
    data = frame(opcode, payload)
    assert plain_frame(data, 0, MOST) == Plain(payload, True, len(data))
    assert plain_frame(data[:-cut], 0, MOST) is None


# ---------------------------------------------------------------- tokens

SECRET = "a secret that is long enough for every algorithm there is, so that no library complains"
AUDIENCES = ("livecommerce", "renewal")
NOW = int(time.time())

values = st.none() | st.booleans() | st.integers(-1, 1) | st.just(NOW + 600) | st.just(NOW - 600)
claims = st.fixed_dictionaries(
    {
        "sub": st.text(max_size=5) | values,
        "exp": st.just(NOW + 600) | st.just(NOW - 600) | st.just(str(NOW + 600)) | st.floats() | values,
        "aud": st.sampled_from(["livecommerce", "renewal", "media", ["livecommerce"], ["media"]]) | values,
    },
    optional={
        "name": st.text(max_size=5),
        "roles": st.lists(st.lists(st.text(max_size=3), min_size=2, max_size=2), max_size=2),
        "auth_time": values,
        "iat": values,
        "nbf": values,
        "jti": st.text(max_size=3) | values,
        "iss": st.text(max_size=3) | values,
    },
)


def claims_of_the_library(token: str) -> dict[str, Any] | None:
    options: Any = {"require": ["exp", "sub", "aud"], "verify_iat": False}
    try:
        return jwt.decode(token, SECRET, ["HS256"], audience=AUDIENCES, options=options)
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return None


@given(
    claims=claims,
    secret=st.sampled_from([SECRET, SECRET, SECRET, SECRET[::-1]]),
    algorithm=st.sampled_from(["HS256", "HS256", "HS256", "HS512", "none"]),
    headers=st.sampled_from([{}, {}, {"kid": "1"}, {"typ": "at+jwt"}, {"crit": ["x"]}]),
)
def test_what_is_believed_here_the_library_believes_and_reads_alike(
    claims: dict[str, Any], secret: str, algorithm: str, headers: dict[str, Any]
) -> None:
    key = secret if algorithm != "none" else None
    try:
        token = jwt.encode(claims, key, algorithm, headers=headers)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return  # the library writes no such token
    believed = own_claims(token, SECRET, AUDIENCES)
    assert believed is None or believed == claims_of_the_library(token)


@given(
    name=st.text(max_size=20), guest=st.booleans(), cut=st.integers(0, 400), other=st.sampled_from("Ab.-_=é")
)
def test_our_own_tokens_need_no_library_and_no_letter_of_them_may_change(
    name: str, guest: bool, cut: int, other: str
) -> None:
    tokens = Tokens(SECRET, now_ms)
    person = Person(person="p", name=name, guest=guest, roles=(Membership("host", "s"),))
    token, _ = tokens.mint(person)
    assert own_claims(token, SECRET, AUDIENCES) == claims_of_the_library(token)
    assert tokens.read(token).person == person
    cut %= len(token)
    changed = token[:cut] + other + token[cut + 1 :]
    if changed != token:
        assert own_claims(changed, SECRET, AUDIENCES) is None


def test_a_token_of_an_application_with_its_own_key_id_is_still_read() -> None:
    tokens, now = Tokens(SECRET, now_ms), now_ms() // 1000
    told = {"sub": "p", "name": "Lin", "guest": False, "roles": [], "aud": "livecommerce", "exp": now + 600}
    minted = jwt.encode(told, SECRET, "HS256", headers={"kid": "shop"})
    assert own_claims(minted, SECRET, AUDIENCES) is None
    assert tokens.read(minted).person.name == "Lin"
    with pytest.raises(Unauthenticated, match="token_expired"):
        tokens.read(jwt.encode({**told, "exp": now - 600}, SECRET, "HS256"))
