"""Share grants cannot be forged, and tell nobody who shared."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from livecommerce.errors import Invalid
from livecommerce.ids import RoomId
from livecommerce.share import MAX_GRANT, NOBODY, Seal, Share, ShareFigures, Sharing

SEAL = Seal(b"a key")
ROOM = RoomId("0a" + "R" * 26)


def a_share() -> Share:
    return Share(
        room=ROOM,
        sharer=SEAL.fingerprint("person", "p1"),
        parent=SEAL.fingerprint("person", "p2"),
        root=SEAL.fingerprint("person", "p3"),
        depth=2,
        issued_ms=1_780_000_000_000,
    )


def test_a_grant_says_what_was_sealed() -> None:
    assert SEAL.open(SEAL.close(a_share())) == a_share()


def test_a_grant_fits_into_a_link() -> None:
    grant = SEAL.close(replace(a_share(), depth=10_000))
    assert len(grant) <= MAX_GRANT / 2
    assert all(character.isalnum() or character in "-_" for character in grant)


@given(st.integers(0, 10_000), st.sampled_from("ABCDEFabc019-_"))
def test_a_changed_grant_is_refused(position: int, other: str) -> None:
    grant = SEAL.close(a_share())
    at = position % len(grant)
    changed = grant[:at] + other + grant[at + 1 :]
    try:
        assert SEAL.open(changed) == a_share()
    except Invalid as error:
        assert error.code == "bad_share"


@pytest.mark.parametrize("grant", ["", "x", "伞", "A" * 401, "A" * 60, "===="])
def test_what_is_no_grant_is_refused(grant: str) -> None:
    with pytest.raises(Invalid, match="bad_share"):
        SEAL.open(grant)


def test_another_deployments_grant_is_refused() -> None:
    with pytest.raises(Invalid, match="bad_share"):
        SEAL.open(Seal(b"another key").close(a_share()))


def test_a_fingerprint_tells_neither_person_nor_device() -> None:
    assert SEAL.fingerprint("person", "x") == SEAL.fingerprint("person", "x")
    prints = {
        SEAL.fingerprint("person", "x"),
        SEAL.fingerprint("device", "x"),
        Seal(b"another key").fingerprint("person", "x"),
    }
    assert len(prints) == 3
    assert SEAL.fingerprint("device", "") == ""
    assert NOBODY not in prints


@pytest.mark.parametrize("depth", [0, 3])
def test_rewards_never_reach_a_third_level(depth: int) -> None:
    nothing = cast(Any, None)
    with pytest.raises(ValueError, match="at most"):
        Sharing(nothing, nothing, SEAL, stay_ms=20_000, reward_depth=depth)


def test_a_room_without_sharers_has_not_travelled() -> None:
    figures = ShareFigures(sharers=0, visits=0, verified=0, refused={}, depths={})
    assert figures.k_factor == 0
    assert replace(figures, sharers=2, verified=3).k_factor == 1.5
