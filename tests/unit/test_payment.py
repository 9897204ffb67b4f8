"""Which of a provider's words are believed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from livecommerce.errors import Forbidden, Invalid
from livecommerce.payment import Payment, Standing, check_standing, is_final

OURS = Payment(
    payment="p", order="o", state="created", amount_minor=8_500, currency="CNY", deadline_ms=100_000
)
WORD = Standing(payment="p", state="captured", merchant="us", amount_minor=8_500, currency="CNY")


def test_the_right_amount_for_the_right_merchant_is_believed() -> None:
    check_standing(WORD, OURS, "us")


def test_money_of_another_merchant_is_not_ours() -> None:
    with pytest.raises(Forbidden, match="wrong_merchant"):
        check_standing(WORD, OURS, "them")


@pytest.mark.parametrize("word", [replace(WORD, amount_minor=8_499), replace(WORD, currency="USD")])
def test_another_amount_is_not_what_we_asked_for(word: Standing) -> None:
    with pytest.raises(Invalid, match="wrong_amount"):
        check_standing(word, OURS, "us")


@pytest.mark.parametrize(
    ("state", "now_ms", "final"),
    [
        ("closed", 0, True),
        ("failed", 0, True),
        ("pending", 999_999, False),
        ("captured", 999_999, False),
        ("not_found", 110_000, False),
        ("not_found", 110_001, True),
    ],
)
def test_not_found_is_final_only_after_the_deadline_and_a_grace(state: str, now_ms: int, final: bool) -> None:
    assert is_final(replace(WORD, state=state), OURS, now_ms) is final
