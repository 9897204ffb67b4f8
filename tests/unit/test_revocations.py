"""A gateway's copy of revocations refuses the same tokens, in whatever order it hears of them."""

from __future__ import annotations

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecommerce.accounts import Person
from livecommerce.clock import now_ms
from livecommerce.errors import Unauthenticated
from livecommerce.gateway.auth import SESSION_SECONDS, Tokens
from livecommerce.revocation import LONGEST_TOKEN_MS, Revocation, Revocations

SECRET = "a secret of at least thirty-two characters"
MEI = Person(person="mei", name="Mei")


def revocations() -> st.SearchStrategy[Revocation]:
    return st.builds(
        lambda person, before_ms: Revocation(person=person, before_ms=before_ms),
        st.sampled_from("abc"),
        st.integers(1, 50),
    )


@given(st.lists(revocations(), max_size=12), st.data(), st.sampled_from("abcd"), st.integers(0, 60))
def test_a_token_is_refused_by_the_latest_revocation_whatever_was_heard_when(
    made: list[Revocation], data: st.DataObject, person: str, signed_in_ms: int
) -> None:
    copy = Revocations()
    for one in data.draw(st.permutations(made)):
        copy.learn([one], 60)
    copy.learn(made, 60)
    latest = max((one.before_ms for one in made if one.person == person), default=-1)
    assert copy.cover(person, signed_in_ms) == (signed_in_ms <= latest)


def test_a_revocation_is_forgotten_when_no_token_can_be_that_old() -> None:
    copy = Revocations()
    copy.learn([Revocation(person="a", before_ms=1_000)], 2_000)
    copy.learn([], 1_000 + LONGEST_TOKEN_MS)
    assert not copy.cover("a", 500)


def test_signing_out_everywhere_ends_older_tokens_and_no_newer_ones_and_nobody_elses() -> None:
    moment = [now_ms()]
    tokens = Tokens(SECRET, lambda: moment[0])
    old, other = tokens.mint(MEI)[0], tokens.mint(Person(person="lin", name="Lin"))[0]
    moment[0] += 1
    tokens.revocations.learn([Revocation(person="mei", before_ms=moment[0])], moment[0])
    same_moment = tokens.mint(MEI)[0]
    moment[0] += 1
    for token in (old, same_moment):
        with pytest.raises(Unauthenticated, match="signed_out"):
            tokens.read(token)
    assert tokens.read(tokens.mint(MEI)[0]).person == MEI
    assert tokens.read(other).person.person == "lin"


def another_applications(tokens: Tokens, **claims: object) -> str:
    """A token that another application minted with the shared key."""
    _, expires_ms = tokens.mint(MEI)
    all_claims = {"aud": "livecommerce", "sub": "mei", "name": "Mei", "guest": False, "roles": []}
    return jwt.encode({**all_claims, "exp": expires_ms // 1000, **claims}, SECRET, "HS256")


def test_a_token_that_does_not_say_when_its_person_signed_in_is_good_until_its_person_is_signed_out() -> None:
    tokens = Tokens(SECRET, now_ms)
    token = another_applications(tokens)
    assert tokens.read(token).person == MEI
    tokens.revocations.learn([Revocation(person="mei", before_ms=now_ms())], now_ms())
    with pytest.raises(Unauthenticated, match="signed_out"):
        tokens.read(token)


@pytest.mark.parametrize("name", ["auth_time", "iat"])
@pytest.mark.parametrize("moment", ["yesterday", [1], {}, None])
def test_a_token_of_no_moment_is_refused(name: str, moment: object) -> None:
    tokens = Tokens(SECRET, now_ms)
    with pytest.raises(Unauthenticated, match="bad_token"):
        tokens.read(another_applications(tokens, **{name: moment}))


def test_renewing_a_session_does_not_save_it_from_being_signed_out() -> None:
    moment = [now_ms()]
    tokens = Tokens(SECRET, lambda: moment[0])
    signed_in_ms = tokens.read(tokens.mint(MEI)[0]).signed_in_ms
    tokens.revocations.learn([Revocation(person="mei", before_ms=moment[0])], moment[0])
    moment[0] += 5_000
    renewed, until_ms = tokens.mint(MEI, signed_in_ms)
    with pytest.raises(Unauthenticated, match="signed_out"):
        tokens.read(renewed)
    with pytest.raises(Unauthenticated, match="signed_out"):
        tokens.read_refresh(tokens.mint_renewal(MEI, until_ms, signed_in_ms))


def test_no_token_outlives_the_revocations() -> None:
    tokens = Tokens(SECRET, now_ms)
    limit = (now_ms() + LONGEST_TOKEN_MS) // 1000
    assert SESSION_SECONDS * 1000 < LONGEST_TOKEN_MS
    assert tokens.read(another_applications(tokens, exp=limit - 60)).person == MEI
    with pytest.raises(Unauthenticated, match="bad_token"):
        tokens.read(another_applications(tokens, exp=limit + 60))
