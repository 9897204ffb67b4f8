"""Small parts of the gateway, each by itself."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.protocol import Protocol, Side

from livecommerce.accounts import Membership, Person
from livecommerce.clock import now_ms
from livecommerce.errors import Unauthenticated
from livecommerce.gateway.auth import Tokens
from livecommerce.gateway.encodings import ENCODINGS, JSON
from livecommerce.gateway.frames import BINARY, frame
from livecommerce.gateway.limits import BURST, OpeningLimits
from livecommerce.gateway.messages import from_client, to_client
from livecommerce.gateway.proxies import client_address, parse_networks
from livecommerce.gateway.tick import COUNTS_SECONDS
from livecommerce.gateway.timing_wheel import SLOTS, TimingWheel
from livecommerce.room.presence import BEAT_SECONDS, SILENT_MS, Attendance, Presence

SECRET = "a secret of at least thirty-two characters"


class Alarm:
    def __init__(self, *again: float) -> None:
        self.again = list(again)
        self.rang: list[float] = []

    def on_time(self, now: float) -> float | None:
        self.rang.append(now)
        return self.again.pop(0) if self.again else None


def turn(wheel: TimingWheel, seconds: int, start: int = 1) -> None:
    for now in range(start, start + seconds):
        wheel.turn(now)


def test_the_wheel_rings_in_time_and_again_when_asked() -> None:
    wheel, alarm = TimingWheel(), Alarm(2.5)
    wheel.add(alarm, 3)
    turn(wheel, 10)
    assert alarm.rang == [3, 6]


def test_a_wait_longer_than_the_wheel_is_looked_at_in_between() -> None:
    wheel, alarm = TimingWheel(), Alarm()
    wheel.add(alarm, 1_000)
    turn(wheel, SLOTS)
    assert alarm.rang == [SLOTS - 1]


@given(st.binary(max_size=70_000))
def test_frames_are_what_rfc_6455_reads(payload: bytes) -> None:
    reader = Protocol(Side.CLIENT, max_size=None)
    reader.receive_data(frame(BINARY, payload))
    (event,) = reader.events_received()
    assert isinstance(event, Frame)
    assert bytes(event.data) == payload


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=lambda encoding: encoding.subprotocol)
def test_a_message_survives_its_encoding(encoding) -> None:  # type: ignore[no-untyped-def]
    sent = encoding.dumps({"t": "comment", "text": "你好", "id": 3, "unknown": True})
    assert encoding.decode(sent) == from_client.Comment(text="你好", id=3)


@given(st.binary(max_size=300))
def test_rubbish_is_refused_and_nothing_else(payload: bytes) -> None:
    for encoding in ENCODINGS.values():
        try:
            encoding.decode(payload)
        except (ValueError, TypeError):
            continue


def test_a_flush_is_an_array_with_types() -> None:
    (message,) = orjson.loads(JSON.encode([to_client.Likes(n=3)])[2:])
    assert message == {"t": "likes", "n": 3}


def test_only_trusted_hops_are_believed() -> None:
    trusted = parse_networks("10.0.0.0/8, 192.0.2.1")
    assert client_address("198.51.100.7", "1.2.3.4", trusted) == "198.51.100.7"
    assert client_address("10.1.1.1", "6.6.6.6, 203.0.113.9, 192.0.2.1", trusted) == "203.0.113.9"
    assert client_address("10.1.1.1", "", trusted) == "10.1.1.1"
    assert client_address("10.1.1.1", "rubbish", trusted) == "10.1.1.1"


def test_a_flood_from_one_address_is_stopped_and_forgiven() -> None:
    moment = [0]
    limits = OpeningLimits(parse_networks("10.0.0.1"), lambda: moment[0])
    for _ in range(int(BURST)):
        assert limits.admits("10.0.0.1", "203.0.113.9")
    assert not limits.admits("10.0.0.1", "203.0.113.9")
    assert limits.admits("10.0.0.1", "203.0.113.10")
    moment[0] = 1_000
    assert limits.admits("10.0.0.1", "203.0.113.9")


def test_loopback_is_never_limited() -> None:
    limits = OpeningLimits((), lambda: 0)
    for _ in range(int(BURST) * 2):
        assert limits.admits("127.0.0.1", "")


def test_presence_adds_other_gateways_and_unreported_hearts() -> None:
    presence = Presence()
    presence.update_here(3)
    presence.like(2)
    taken = presence.take(3)
    presence.like(1)
    assert presence.learn(Attendance(10, 102), here=3)
    assert (presence.viewers, presence.likes) == (10, 103)
    presence.update_here(4)
    assert presence.viewers == 11
    presence.give_back(taken)
    assert presence.take(4) == Attendance(4, 3)


def test_viewers_of_a_killed_gateway_are_counted_for_two_seconds_at_most() -> None:
    assert SILENT_MS / 1000 + BEAT_SECONDS + COUNTS_SECONDS <= 2
    assert SILENT_MS / 1000 >= 2 * BEAT_SECONDS  # and one beat may be lost


def test_a_token_says_who_and_expires() -> None:
    now = 1_700_000_000_000
    person = Person(person="p", name="Mei", roles=(Membership("host", "s"),))
    moment = [now]
    tokens = Tokens(SECRET, lambda: moment[0])
    token, expires_ms = tokens.mint(person)
    with pytest.raises(Unauthenticated, match="token_expired"):
        tokens.read(token)  # minted in 2023, read by the real clock of the library
    assert expires_ms > now


@pytest.mark.parametrize("person", ["CORP\\alice", 'a"b', "auth0|" + "x" * 30, "", "a b", "{s00}"])
def test_a_person_id_that_could_break_a_document_is_refused(person: str) -> None:
    tokens = Tokens(SECRET, now_ms)
    token, _ = tokens.mint(Person(person=person, name="Mei"))
    with pytest.raises(Unauthenticated, match="bad_token"):
        tokens.read(token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é"])
def test_what_is_not_a_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated, match="bad_token"):
        Tokens(SECRET, lambda: 0).read(token)
