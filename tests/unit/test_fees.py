"""Rates hold from their moment on, and never for more than there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from livecommerce.fees import BUILT_IN, CategoryRates, Occasion, Override, PaymentFee, RateBook, Rates
from livecommerce.money import PPM

BASE = CategoryRates(commission_ppm=50_000, technical_fee_ppm=6_000, creator_ppm=200_000)
FESTIVAL = Override(tag="festival", campaign="autumn", from_ms=100, to_ms=200, commission_ppm=20_000)


def a_book(*rates: CategoryRates, overrides: tuple[Override, ...] = ()) -> RateBook:
    return RateBook(rates=(BASE, *rates), overrides=overrides)


@pytest.mark.parametrize(
    ("category", "commission", "technical_fee"),
    [
        ("", 50_000, 6_000),
        ("home", 50_000, 6_000),
        ("fresh-food", 20_000, 6_000),
        ("electronics", 30_000, 6_000),
        ("jewelry", 100_000, 10_000),
    ],
)
def test_built_in_rates_are_by_category(category: str, commission: int, technical_fee: int) -> None:
    assert BUILT_IN.rates_at(category, 0) == Rates(
        commission_ppm=commission, technical_fee_ppm=technical_fee, creator_ppm=200_000
    )


@pytest.mark.parametrize(
    ("at_ms", "commission"), [(0, 50_000), (999, 50_000), (1_000, 40_000), (1_001, 40_000)]
)
def test_rates_hold_from_their_very_millisecond_on(at_ms: int, commission: int) -> None:
    book = a_book(CategoryRates(from_ms=1_000, commission_ppm=40_000))
    assert book.rates_at("home", at_ms).commission_ppm == commission


def test_rows_need_not_stand_in_the_order_of_their_times() -> None:
    book = a_book(
        CategoryRates(from_ms=2_000, commission_ppm=30_000),
        CategoryRates(from_ms=1_000, commission_ppm=40_000),
    )
    assert [book.rates_at("", at_ms).commission_ppm for at_ms in (999, 1_000, 2_000)] == [
        50_000,
        40_000,
        30_000,
    ]


def test_a_category_takes_what_it_does_not_say_from_the_rates_of_all() -> None:
    book = a_book(
        CategoryRates(category="tea", commission_ppm=80_000),
        CategoryRates(from_ms=1_000, creator_ppm=100_000),
    )
    assert book.rates_at("tea", 999) == Rates(
        commission_ppm=80_000, technical_fee_ppm=6_000, creator_ppm=200_000
    )
    with_its_own = book.rates_at("tea", 1_000)
    assert (with_its_own.commission_ppm, with_its_own.creator_ppm) == (80_000, 100_000)


@pytest.mark.parametrize(("at_ms", "holds"), [(99, False), (100, True), (199, True), (200, False)])
def test_an_override_holds_from_its_first_moment_to_before_its_last(at_ms: int, holds: bool) -> None:
    book = a_book(overrides=(FESTIVAL,))
    found = book.override_of(Occasion(at_ms=at_ms, campaigns=("spring", "autumn")))
    assert (found == FESTIVAL) == holds
    assert book.rates_at("home", at_ms, found).commission_ppm == (20_000 if holds else 50_000)


def test_an_override_of_campaign_and_segment_needs_both_and_the_first_that_fits_holds() -> None:
    both = replace(FESTIVAL, tag="both", segment="gala")
    book = a_book(overrides=(both, FESTIVAL))
    at = [
        Occasion(at_ms=150, campaigns=("autumn",), segment="gala"),
        Occasion(at_ms=150, campaigns=("autumn",)),
        Occasion(at_ms=150, segment="gala"),
        Occasion(at_ms=150),
    ]
    assert [book.override_of(one) for one in at] == [both, FESTIVAL, None, None]


def test_the_payment_fee_changes_in_its_moment() -> None:
    book = RateBook(rates=(BASE,), payment=(PaymentFee(from_ms=10, bearer="platform"), PaymentFee()))
    assert [book.payment_at(at_ms).bearer for at_ms in (9, 10)] == ["merchant", "platform"]


def test_a_brand_can_leave_what_the_highest_rates_from_now_on_leave() -> None:
    assert BUILT_IN.most_brand_ppm(0) == 690_000
    book = a_book(
        CategoryRates(from_ms=1_000, commission_ppm=10_000),
        overrides=(replace(FESTIVAL, creator_ppm=500_000),),
    )
    assert book.most_brand_ppm(0) == PPM - 526_000
    assert book.most_brand_ppm(200) == PPM - 256_000
    assert book.most_brand_ppm(1_000) == PPM - 216_000


SHARE = st.none() | st.integers(0, PPM)
TIMES = st.integers(0, 50)
CATEGORIES = st.sampled_from(["", "tea", "pots"])
ROWS = st.builds(
    CategoryRates,
    category=CATEGORIES,
    from_ms=TIMES,
    commission_ppm=SHARE,
    technical_fee_ppm=SHARE,
    creator_ppm=SHARE,
)
OVERRIDES = st.builds(
    Override,
    tag=st.just("tag"),
    campaign=st.sampled_from(["autumn", None]),
    segment=st.sampled_from(["gala", None]),
    from_ms=TIMES,
    to_ms=TIMES,
    commission_ppm=SHARE,
    creator_ppm=SHARE,
)


@given(
    rows=st.lists(ROWS, max_size=5),
    overrides=st.lists(OVERRIDES, max_size=3),
    category=CATEGORIES,
    at_ms=st.integers(0, 60),
    segment=st.sampled_from(["gala", None]),
)
def test_where_no_excess_is_found_no_order_shares_more_than_the_whole_and_no_promise_is_cut(
    rows: list[CategoryRates], overrides: list[Override], category: str, at_ms: int, segment: str | None
) -> None:
    book = RateBook(rates=(BASE, *rows), overrides=tuple(overrides))
    occasion = Occasion(at_ms=at_ms, campaigns=("autumn",), segment=segment)
    rates = book.rates_at(category, at_ms, book.override_of(occasion))
    excess = any(True for _ in book.excesses())
    assert excess or rates.taken_ppm <= PPM
    promised = book.most_brand_ppm(at_ms)
    assert excess or rates.beside(promised) == rates
