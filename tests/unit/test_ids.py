"""Ids carry their shard, and named ones are always the same."""

from __future__ import annotations

from livecommerce.ids import UNSHARDED, Shard, is_id, named_id, new_id, shard_of


def test_an_id_tells_its_shard() -> None:
    assert shard_of(new_id(Shard("0a"))) == "0a"


def test_a_named_id_is_the_same_for_the_same_names_only() -> None:
    first = named_id(UNSHARDED, "shop", "ab", "c")
    assert first == named_id(UNSHARDED, "shop", "ab", "c")
    assert first != named_id(UNSHARDED, "shop", "a", "bc")
    assert is_id(first)


def test_foreign_strings_are_no_ids() -> None:
    assert is_id(new_id())
    assert not any(map(is_id, ("", "x", "a" * 29, "../../etc/passwd/aaaaaaaaaaa", "伞" * 28)))
