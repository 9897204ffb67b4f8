"""What an order costs, and what it promises."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecommerce.checkout import MOST_BRAND_PPM, RATES, Wish, check_out, rates_at
from livecommerce.coupon import Coupon, discount_of
from livecommerce.errors import Conflict
from livecommerce.ids import OrderId
from livecommerce.money import PPM
from tests.selling import CURRENCY, PRICE, offer


def wish(**changes: int) -> Wish:
    return Wish(**{"buyer": "ann", "sale": "sale", "key": "12345678", "price_minor": PRICE} | changes)  # type: ignore[arg-type]


def coupon(
    discount_minor: int = 1_000, *, threshold_minor: int = 0, funder: str = "merchant", shop: str = "shop"
) -> Coupon:
    return Coupon(
        grant="grant",
        campaign="campaign",
        funder=funder,
        shop=shop,
        discount_minor=discount_minor,
        threshold_minor=threshold_minor,
        currency=CURRENCY,
    )


def test_an_order_costs_price_times_quantity() -> None:
    draft = check_out(wish(qty=3), offer("room", "sale"), None, OrderId("order"), 0)
    assert draft.summary.total_minor == draft.order.total_minor == 3 * PRICE
    assert draft.order.campaign is None


@pytest.mark.parametrize(("funder", "discounts"), [("merchant", (1_000, 0)), ("platform", (0, 1_000))])
def test_a_discount_stands_with_whoever_pays_for_it(funder: str, discounts: tuple[int, int]) -> None:
    draft = check_out(wish(), offer("room", "sale"), coupon(funder=funder), OrderId("order"), 0)
    (line,) = draft.order.lines
    assert (line.merchant_discount_minor, line.platform_discount_minor) == discounts
    assert draft.summary.discount_minor == 1_000


def test_rates_are_those_of_the_category_when_the_buyer_tapped() -> None:
    assert (rates_at("home", 0).commission_ppm, rates_at("home", 0).technical_fee_ppm) == (50_000, 6_000)
    assert rates_at("jewelry", 0).commission_ppm == 100_000
    terms = check_out(wish(), offer("room", "sale"), None, OrderId("order"), 0).order.terms
    assert (terms.commission_ppm, terms.creator_ppm, terms.return_window_days) == (50_000, 200_000, 7)


@pytest.mark.parametrize("category", RATES)
def test_the_highest_guest_commission_leaves_shares_that_are_within_the_whole(category: str) -> None:
    sold = msgspec.structs.replace(offer("room", "sale"), category=category, brand_ppm=MOST_BRAND_PPM)
    for dated in RATES[category]:
        terms = check_out(wish(), sold, None, OrderId("order"), dated.from_ms).order.terms
        shares = (terms.brand_ppm, terms.creator_ppm, terms.commission_ppm, terms.technical_fee_ppm)
        assert sum(shares) <= PPM


def test_a_coupon_does_not_fit_below_its_threshold_or_in_another_currency() -> None:
    with pytest.raises(Conflict, match="coupon_threshold"):
        discount_of(coupon(threshold_minor=10_000), 9_999, CURRENCY, "shop")
    with pytest.raises(Conflict, match="coupon_currency"):
        discount_of(coupon(), 9_999, "USD", "shop")


def test_a_merchants_coupon_lowers_no_other_merchants_product() -> None:
    with pytest.raises(Conflict, match="coupon_not_for_this"):
        check_out(wish(), offer("room", "sale"), coupon(shop="guest brand"), OrderId("order"), 0)
    draft = check_out(wish(), offer("room", "sale"), coupon(funder="platform", shop=""), OrderId("order"), 0)
    assert draft.summary.discount_minor == 1_000


def test_two_wishes_with_one_key_differ_where_anything_that_costs_differs() -> None:
    prints = {wish().fingerprint(), wish(qty=2).fingerprint(), wish(price_minor=1).fingerprint()}
    assert len(prints) == 3
    assert wish().fingerprint() == wish().fingerprint()


@given(price=st.integers(1, 10**9), qty=st.integers(1, 99), discount=st.integers(0, 10**12))
def test_lines_add_up_to_the_total_and_something_is_left_to_pay(price: int, qty: int, discount: int) -> None:
    draft = check_out(
        wish(price_minor=price, qty=qty), offer("room", "sale"), coupon(discount), OrderId("order"), 0
    )
    assert sum(line.paid_minor for line in draft.order.lines) == draft.order.total_minor >= 1
    assert draft.summary.total_minor + draft.summary.discount_minor == price * qty
