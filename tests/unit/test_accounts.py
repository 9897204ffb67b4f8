"""Who may do what, and passwords."""

from __future__ import annotations

import pytest

from livecommerce.accounts import (
    DECOY_HASH,
    Membership,
    Person,
    clean_nickname,
    hash_password,
    verify_password,
)
from livecommerce.errors import Forbidden, Invalid


def test_a_password_is_recognised_by_its_hash_alone() -> None:
    stored = hash_password("correct horse battery")
    assert "correct" not in stored
    assert verify_password("correct horse battery", stored)
    assert not verify_password("wrong horse battery", stored)


def test_the_same_password_is_never_stored_the_same() -> None:
    assert hash_password("correct horse battery") != hash_password("correct horse battery")


def test_the_decoy_accepts_nothing() -> None:
    assert not verify_password("", DECOY_HASH)


def test_short_passwords_are_refused() -> None:
    with pytest.raises(Invalid, match="password_too_short"):
        hash_password("short")


def test_a_role_holds_in_its_own_shop_only() -> None:
    host = Person(person="p", name="Mei", roles=(Membership("host", "shop"),))
    assert host.has_role("host", "shop")
    assert not host.has_role("host", "other")
    with pytest.raises(Forbidden):
        host.require("operator")


def test_an_operator_holds_every_role() -> None:
    operator = Person(person="p", name="Ops", roles=(Membership("operator"),))
    assert operator.has_role("host", "any shop")
    assert operator.main_role == "operator"


def test_a_nickname_is_one_visible_line() -> None:
    assert clean_nickname("  Little\n  Lin ") == "Little Lin"
    for bad in ("", " \t", "x" * 41):
        with pytest.raises(Invalid):
            clean_nickname(bad)
