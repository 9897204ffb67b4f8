"""Money adds up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livecommerce.money import PPM, Money, floor_share, split

amounts = st.integers(0, 10**12)
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=12)


@given(amounts, weights)
def test_parts_add_up_exactly(amount: int, shares: list[int]) -> None:
    assert sum(split(amount, shares)) == amount


@given(amounts, weights)
def test_no_part_is_a_unit_away_from_its_share(amount: int, shares: list[int]) -> None:
    total = sum(shares)
    if total:
        for part, share in zip(split(amount, shares), shares, strict=True):
            assert abs(part * total - amount * share) < total


def test_ties_go_to_the_first() -> None:
    assert split(100, [1, 1, 1]) == [34, 33, 33]
    assert split(5, [0, 0]) == [5, 0]


@given(amounts, st.integers(0, PPM))
def test_a_share_is_never_more_than_the_whole(amount: int, rate: int) -> None:
    assert 0 <= floor_share(amount, rate) <= amount


def test_amounts_read_as_their_currency_is_written() -> None:
    assert str(Money(123_45, "CNY")) == "123.45 CNY"
    assert str(Money(-5, "CNY")) == "-0.05 CNY"
    assert str(Money(1_234, "JPY")) == "1234 JPY"
    assert str(Money(1_234, "KWD")) == "1.234 KWD"
