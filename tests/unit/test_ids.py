"""Ids find their shard and fit a payment provider's order number."""

from __future__ import annotations

import pytest

from livecommerce.ids import Shard, is_id, named_id, new_id, pick_shard, shard_names, shard_of


def test_an_id_carries_its_shard_and_fits_in_32_characters() -> None:
    identifier = new_id(Shard("0a"))
    assert shard_of(identifier) == "0a"
    assert len(identifier) <= 32
    assert is_id(identifier)


def test_ids_of_a_shard_sort_by_time() -> None:
    earlier, later = new_id(Shard("00"), 1_000), new_id(Shard("00"), 2_000)
    assert earlier < later


def test_ids_are_not_repeated() -> None:
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_a_name_always_gives_the_same_id() -> None:
    assert named_id(Shard("00"), "a", "b") == named_id(Shard("00"), "a", "b")
    assert named_id(Shard("00"), "a", "b") != named_id(Shard("00"), "ab")


@pytest.mark.parametrize("value", ["", "x", "00" + "R" * 27, "00" + "ß" * 26, "00" + "-" * 26])
def test_other_strings_are_not_ids(value: str) -> None:
    assert not is_id(value)


def test_shards_are_bounded_and_used_evenly() -> None:
    with pytest.raises(ValueError, match="between"):
        shard_names(257)
    used = {pick_shard(f"seed {number}", 16) for number in range(1_000)}
    assert used == set(shard_names(16))
