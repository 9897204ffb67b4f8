"""What an audience sees, and what it notices."""

from __future__ import annotations

from typing import Any

from loadtests.audience.witness import Offsets, Witness


def an_order(order: str, total: int = 700) -> dict[str, Any]:
    return {"order": order, "sale": "00SALE", "qty": 1, "total_minor": total, "currency": "CNY"}


def test_an_order_that_is_told_twice_is_one_purchase() -> None:
    witness = Witness()
    witness.bought(an_order("one"), "buyer")
    witness.bought(an_order("one"), "buyer")
    assert (len(witness.purchases), witness.contradictions) == (1, [])


def test_an_order_that_changes_its_price_is_noticed() -> None:
    witness = Witness()
    witness.bought(an_order("one"), "buyer")
    witness.bought(an_order("one", 800), "buyer")
    assert len(witness.contradictions) == 1


def test_one_wish_that_becomes_two_orders_is_noticed() -> None:
    witness = Witness()
    witness.same_wish("one", "one")
    assert witness.contradictions == []
    witness.same_wish("one", "two")
    assert len(witness.contradictions) == 1


def test_offsets_that_follow_each_other_are_fine_also_when_repeated() -> None:
    offsets = Offsets()
    offsets.start("epoch", 7)
    assert [offsets.advance(offset) for offset in (8, 9, 9, 8, 10)] == [None] * 5


def test_a_gap_is_noticed_once() -> None:
    offsets = Offsets()
    offsets.start("epoch", 7)
    assert offsets.advance(9) is not None
    assert offsets.advance(10) is None


def a_witness(kind: str = "pinned") -> Witness:
    """Somebody who saw one thing happen and one order granted."""
    witness = Witness()
    witness.saw(("e", 1), kind)
    witness.stock["sale"] = 3
    witness.outcomes["wishes granted"] += 1
    witness.drew("REACTION", 0.4)
    order = {"order": "o", "sale": "sale", "qty": 1, "total_minor": 700, "currency": "CNY"}
    witness.bought(order, "ann")
    return witness


def test_an_account_tells_all_that_a_witness_saw() -> None:
    master = Witness()
    master.hear(a_witness().account())
    assert master.account() == a_witness().account()


def test_two_accounts_of_the_same_show_add_up() -> None:
    master = a_witness()
    master.hear(a_witness().account())
    assert master.contradictions == []
    assert (master.control_events, len(master.seen), len(master.purchases)) == (2, 1, 1)
    assert master.outcomes["wishes granted"] == 2
    assert master.drawn["REACTION"] == [0.4, 0.4]


def test_accounts_that_contradict_each_other_are_evidence() -> None:
    master = a_witness("pinned")
    master.hear(a_witness("unpinned").account())
    assert master.contradictions == ["offset 1 was told as pinned and as unpinned"]
