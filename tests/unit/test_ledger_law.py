"""A part of what ``python -m tests.ledger_law`` checks on a million orders."""

from __future__ import annotations

from random import Random

import pytest

from tests.ledger_law import LawBroken, check_orders

ORDERS = 500


def test_random_orders_add_up_and_refunds_leave_zero() -> None:
    assert len(list(check_orders(Random(1), ORDERS))) == ORDERS


def test_the_check_finds_a_cent_that_goes_astray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "livecommerce.ledger.entries.split", lambda total, weights: [max(0, total - 1), *weights[1:]]
    )
    with pytest.raises(LawBroken):
        list(check_orders(Random(1), ORDERS))
