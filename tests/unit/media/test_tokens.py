from __future__ import annotations

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import Forbidden, Unauthorized
from media.tokens import Pass, read_token

SECRET = "a secret of sixty-four bytes or more, so that any HMAC takes it as a key"
CLAIMS = {"aud": "media", "sub": "p1", "room": "r1", "seat": "host", "grant": "publish", "exp": 4_000_000_000}


def header(secret: str = SECRET, algorithm: str = "HS256", **changes: object) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return "Bearer " + jwt.encode(claims, secret, algorithm=algorithm)


def test_a_good_token_says_who_and_what() -> None:
    assert read_token(header(), SECRET) == Pass("p1", "r1", "host", "publish")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer rubbish",
        header("another" + SECRET),
        header(exp=1),
        header(exp=None),
        header(aud="gateway"),
        header(aud=None),
        header(sub=None),
        header(aud=["gateway"]),
        header(sub=7),
        header(exp="soon"),
        header(nbf=4_000_000_000),
        header(algorithm="HS512"),
        header() + "=",
        "Bearer " + jwt.encode(CLAIMS, SECRET, headers={"crit": ["exp"]}),
        "Bearer " + jwt.encode(CLAIMS, "", algorithm="none"),
    ],
)
def test_any_other_token_is_none(authorization: str) -> None:
    with pytest.raises(Unauthorized):
        read_token(authorization, SECRET)


def test_a_token_may_be_for_others_too() -> None:
    assert read_token(header(aud=["gateway", "media"]), SECRET).person == "p1"


@given(st.data())
def test_a_damaged_token_is_none(data: st.DataObject) -> None:
    token = header()
    at = data.draw(st.integers(len("Bearer "), len(token) - 1))
    other = data.draw(st.characters(max_codepoint=255).filter(lambda character: character != token[at]))

    with pytest.raises(Unauthorized):
        read_token(token[:at] + other + token[at + 1 :], SECRET)


def test_a_token_is_good_for_its_seat_alone() -> None:
    token = read_token(header(), SECRET)

    token.require("publish", "r1", "host")
    for grant, room, seat in (
        ("publish", "r1", "guest-1"),
        ("publish", "r2", "host"),
        ("subscribe", "r1", "host"),
    ):
        with pytest.raises(Forbidden):
            token.require("publish" if grant == "publish" else "subscribe", room, seat)


def test_a_viewers_token_without_a_seat_is_good_for_every_seat() -> None:
    token = read_token(header(grant="subscribe", seat=None), SECRET)

    token.require("subscribe", "r1", "host")
    token.require("subscribe", "r1", "guest-1")


def test_a_publishers_token_without_a_seat_is_good_for_none() -> None:
    with pytest.raises(Forbidden):
        read_token(header(seat=None), SECRET).require("publish", "r1", "host")
