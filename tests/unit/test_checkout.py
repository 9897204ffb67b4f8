"""What an order costs, and what it promises."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from livecommerce.basket import Offer, WishLine, basket_of
from livecommerce.checkout import Draft, Wish, check_out
from livecommerce.coupon import Coupon
from livecommerce.discount import best_together, discount_of
from livecommerce.errors import Conflict, Invalid
from livecommerce.fees import BUILT_IN, CategoryRates, Override, PaymentFee, RateBook
from livecommerce.ids import OrderId
from livecommerce.ledger.entries import entries_of
from livecommerce.money import PPM
from livecommerce.orders import Capture, ConfirmedOrder, LineRates
from livecommerce.shop import Policy
from tests.selling import CURRENCY, PRICE, a_wish, offer

SENT_FREE = Policy()
NOTHING_SENT = Policy(address_needed=False)


def checked_out(
    *coupons: Coupon,
    lines: tuple[tuple[int, int], ...] = ((PRICE, 1),),
    policy: Policy = SENT_FREE,
    offers: tuple[Offer, ...] = (),
    at_ms: int = 0,
    book: RateBook = BUILT_IN,
    segment: str | None = None,
) -> Draft:
    """An order of lines, each (price, units), of as many sales."""
    offers = offers or tuple(offer("room", f"sale{number}") for number in range(len(lines)))
    wished = tuple(
        WishLine(sale=one.sale, price_minor=price, qty=qty)
        for one, (price, qty) in zip(offers, lines, strict=True)
    )
    wish = Wish(buyer="ann", key="12345678", lines=wished, segment=segment)
    basket = basket_of(wished, {one.sale: one for one in offers})
    return check_out(wish, basket, coupons, policy, OrderId("order"), at_ms, book)


def coupon(
    discount_minor: int = 1_000,
    *,
    threshold_minor: int = 0,
    funder: str = "merchant",
    shop: str = "shop",
    percent_ppm: int = 0,
    exclusive: bool = False,
) -> Coupon:
    return Coupon(
        grant=f"grant-{funder}",
        campaign=f"campaign-{funder}",
        funder=funder,
        shop=shop if funder == "merchant" else "",
        discount_minor=discount_minor,
        threshold_minor=threshold_minor,
        currency=CURRENCY,
        percent_ppm=percent_ppm,
        exclusive=exclusive,
    )


def test_an_order_costs_price_times_quantity() -> None:
    draft = checked_out(lines=((PRICE, 3),))
    assert draft.summary.total_minor == draft.order.total_minor == 3 * PRICE
    assert (draft.order.campaign, draft.order.coupons) == (None, ())


@pytest.mark.parametrize(("funder", "discounts"), [("merchant", (1_000, 0)), ("platform", (0, 1_000))])
def test_a_discount_stands_with_whoever_pays_for_it(funder: str, discounts: tuple[int, int]) -> None:
    draft = checked_out(coupon(funder=funder))
    (line,) = draft.order.lines
    assert (line.merchant_discount_minor, line.platform_discount_minor) == discounts
    assert draft.summary.discount_minor == 1_000


def test_rates_are_those_of_each_lines_category_when_the_buyer_tapped() -> None:
    ring = offer("room", "ring", category="jewelry")
    order = checked_out(
        lines=((PRICE, 1), (PRICE, 1)),
        offers=(offer("room", "sale"), ring),
        policy=Policy(return_window_days=15),
    ).order
    assert [line.rates for line in order.lines] == [
        LineRates(commission_ppm=50_000, technical_fee_ppm=6_000, creator_ppm=200_000),
        LineRates(commission_ppm=100_000, technical_fee_ppm=10_000, creator_ppm=200_000),
    ]
    assert (order.terms.commission_ppm, order.terms.creator_ppm) == (50_000, 200_000)
    assert order.terms.return_window_days == 15


def test_a_campaign_or_a_segment_has_rates_of_its_own_which_the_order_names() -> None:
    book = replace(
        BUILT_IN,
        overrides=(
            Override(tag="festival", campaign="campaign-platform", commission_ppm=30_000),
            Override(tag="gala", segment="gala", creator_ppm=250_000),
        ),
    )
    usual = checked_out(coupon(), book=book).order
    festival = checked_out(coupon(), coupon(funder="platform"), book=book, segment="gala").order
    gala = checked_out(book=book, segment="gala").order
    terms = [order.terms for order in (usual, festival, gala)]
    assert [(one.override, one.commission_ppm, one.creator_ppm) for one in terms] == [
        ("", 50_000, 200_000),
        ("festival", 30_000, 200_000),
        ("gala", 50_000, 250_000),
    ]


def test_built_in_rates_give_the_worked_example_of_the_documentation() -> None:
    draft = checked_out(coupon(500), coupon(1_000, funder="platform"), lines=((10_000, 1),)).order
    taken = Capture(provider="sandbox", payment="pay", captured_minor=8_500, captured_ms=1)
    agreed = {name: getattr(draft, name) for name in draft.__struct_fields__}
    sale, fee = entries_of([ConfirmedOrder(**agreed, charge=taken, created_ms=0, confirmed_ms=1)])
    amounts = [[one.debit_minor - one.credit_minor for one in entry.postings] for entry in (sale, fee)]
    assert amounts == [[8_500, 1_000, -7_068, -1_900, -475, -57], [51, -51]]


def test_the_payment_fee_and_its_bearer_are_those_of_the_tap() -> None:
    later = PaymentFee(from_ms=1_000, fee_ppm=3_800, bearer="platform")
    book = replace(BUILT_IN, payment=(PaymentFee(), later))
    taps = [checked_out(book=book, at_ms=at_ms).order.terms for at_ms in (999, 1_000)]
    assert [(terms.payment_fee_ppm, terms.payment_fee_bearer) for terms in taps] == [
        (6_000, "merchant"),
        (3_800, "platform"),
    ]


@given(brand=st.integers(0, PPM), taken=st.tuples(*[st.integers(0, PPM // 3)] * 3))
def test_shares_stay_within_the_whole_beside_whatever_a_brand_promised_before(
    brand: int, taken: tuple[int, int, int]
) -> None:
    raised = CategoryRates(commission_ppm=taken[0], technical_fee_ppm=taken[1], creator_ppm=taken[2])
    sold = replace(offer("room", "sale"), brand_ppm=brand)
    (line,) = checked_out(offers=(sold,), book=RateBook(rates=(raised,))).order.lines
    rates = line.rates
    assert rates is not None
    assert rates.brand_ppm == brand
    shares = (rates.commission_ppm, rates.technical_fee_ppm, rates.creator_ppm or 0)
    assert min(shares) >= 0
    assert brand + sum(shares) == min(PPM, brand + sum(taken))


def test_a_coupon_does_not_fit_below_its_threshold_or_in_another_currency() -> None:
    with pytest.raises(Conflict, match="coupon_threshold"):
        discount_of(coupon(threshold_minor=10_000), 9_999, CURRENCY, "shop")
    with pytest.raises(Conflict, match="coupon_currency"):
        discount_of(coupon(), 9_999, "USD", "shop")


def test_a_merchants_coupon_lowers_no_other_merchants_product() -> None:
    with pytest.raises(Conflict, match="coupon_not_for_this"):
        checked_out(coupon(shop="guest brand"))
    assert checked_out(coupon(funder="platform")).summary.discount_minor == 1_000


def test_a_percentage_is_rounded_down_and_stops_at_its_cap() -> None:
    tenth = coupon(2_000, percent_ppm=100_000)
    assert discount_of(tenth, 9_999, CURRENCY, "shop") == 999
    assert discount_of(tenth, 50_000, CURRENCY, "shop") == 2_000


def test_the_platforms_percentage_is_of_what_the_merchants_coupon_leaves() -> None:
    order = checked_out(
        coupon(5_000, funder="platform", percent_ppm=100_000), coupon(1_900), lines=((9_900, 1),)
    ).order
    assert [(used.funder, used.discount_minor) for used in order.coupons] == [
        ("merchant", 1_900),
        ("platform", 800),
    ]
    assert order.campaign == "campaign-merchant"
    assert order.total_minor == 7_200


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        ((coupon(), coupon()), "coupons_not_together"),
        ((coupon(funder="platform"), coupon(funder="platform")), "coupons_not_together"),
        ((coupon(), coupon(funder="platform", exclusive=True)), "coupon_exclusive"),
    ],
)
def test_one_funder_gives_one_coupon_and_an_exclusive_one_stands_alone(
    pair: tuple[Coupon, Coupon], code: str
) -> None:
    with pytest.raises(Conflict, match=code):
        checked_out(*pair)


def test_the_best_coupons_are_the_two_that_together_take_most_off() -> None:
    ours, theirs = coupon(1_000), coupon(500, funder="platform")
    alone = coupon(1_400, funder="platform", exclusive=True)
    out_of_reach = coupon(9_000, threshold_minor=50_000)
    assert best_together([theirs, alone, ours, out_of_reach], PRICE, CURRENCY, "shop") == (ours, theirs)
    assert best_together([theirs, alone], PRICE, CURRENCY, "shop") == (alone,)
    assert best_together([out_of_reach], PRICE, CURRENCY, "shop") == ()


def test_shipping_is_paid_with_the_order_up_to_what_the_shop_sends_free() -> None:
    policy = Policy(shipping_minor=1_000, free_shipping_from_minor=2 * PRICE)
    one = checked_out(policy=policy)
    assert (one.summary.shipping_minor, one.summary.total_minor) == (1_000, PRICE + 1_000)
    assert one.order.terms.shipping_minor == 1_000
    assert checked_out(lines=((PRICE, 2),), policy=policy).summary.shipping_minor == 0
    assert checked_out(coupon(1), lines=((PRICE, 2),), policy=policy).summary.shipping_minor == 1_000


def test_what_needs_no_address_is_not_sent_for_money() -> None:
    draft = checked_out(policy=Policy(shipping_minor=1_000, address_needed=False))
    assert (draft.summary.shipping_minor, draft.summary.ships_within_hours) == (0, 0)


def test_lines_of_two_merchants_make_no_order() -> None:
    with pytest.raises(Conflict, match="several_shops") as refused:
        checked_out(
            lines=((PRICE, 1), (PRICE, 1)), offers=(offer("room", "a"), offer("room", "b", shop="brand"))
        )
    assert refused.value.params["sale"] == "b"


@pytest.mark.parametrize("sales", [(), ("a", "a"), tuple("abcdefghijk")])
def test_a_bag_has_one_to_ten_lines_each_of_another_sale(sales: tuple[str, ...]) -> None:
    lines = [WishLine(sale=sale, price_minor=PRICE) for sale in sales]
    with pytest.raises(Invalid, match="bad_bag"):
        basket_of(lines, {sale: offer("room", sale) for sale in sales})


def test_a_card_tells_its_lines_where_there_are_several() -> None:
    summary = checked_out(coupon(), lines=((PRICE, 2), (100, 3))).summary
    assert [(line.sale, line.qty, line.price_minor) for line in summary.lines] == [
        ("sale0", 2, PRICE),
        ("sale1", 3, 100),
    ]
    assert summary.qty == 5
    assert sum(line.discount_minor for line in summary.lines) == summary.discount_minor == 1_000
    assert checked_out().summary.lines == ()


def test_two_wishes_with_one_key_differ_where_anything_that_costs_differs() -> None:
    wishes = [
        a_wish("sale", "ann"),
        a_wish("sale", "ann", qty=2),
        a_wish("sale", "ann", price_minor=1),
        a_wish("sale", "ann", grant="grant"),
        a_wish("other", "ann"),
    ]
    more = replace(wishes[0], lines=(*wishes[0].lines, *wishes[4].lines))
    assert len({wish.fingerprint() for wish in (*wishes, more)}) == 6
    assert a_wish("sale", "ann").fingerprint() == a_wish("sale", "ann").fingerprint() == f"sale|{PRICE}|1|"


LINES = st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 99)), min_size=1, max_size=5).map(tuple)
PERCENT = st.sampled_from([0, 1, 33_333, 100_000, 999_999, PPM])
WORTH = st.integers(0, 10**12)


@given(
    lines=LINES,
    worth=st.tuples(WORTH, WORTH),
    percent=st.tuples(PERCENT, PERCENT),
    shipping=st.integers(0, 10**6),
)
def test_lines_add_up_to_the_order_whatever_lowers_it(
    lines: tuple[tuple[int, int], ...], worth: tuple[int, int], percent: tuple[int, int], shipping: int
) -> None:
    draft = checked_out(
        coupon(worth[0], percent_ppm=percent[0]),
        coupon(worth[1], funder="platform", percent_ppm=percent[1]),
        lines=lines,
        policy=Policy(shipping_minor=shipping),
    )
    order, summary = draft.order, draft.summary
    gross = sum(price * qty for price, qty in lines)
    assert sum(line.paid_minor for line in order.lines) == order.total_minor == summary.total_minor
    assert gross - summary.discount_minor + shipping == order.total_minor
    assert gross - summary.discount_minor >= 1
    by_funder = {used.funder: used.discount_minor for used in order.coupons}
    assert sum(line.merchant_discount_minor for line in order.lines) == by_funder["merchant"] <= worth[0]
    assert sum(line.platform_discount_minor for line in order.lines) == by_funder["platform"] <= worth[1]
    for line in order.lines:
        amounts = (
            line.merchant_discount_minor,
            line.platform_discount_minor,
            line.shipping_minor,
            line.paid_minor,
        )
        assert min(amounts) >= 0
        lowered = line.merchant_discount_minor + line.platform_discount_minor
        assert line.gross_minor - lowered + line.shipping_minor == line.paid_minor


def test_an_order_from_before_there_were_lines_is_still_read() -> None:
    order = msgspec.json.decode(msgspec.json.encode(checked_out().order), type=dict)
    del order["coupons"], order["terms"]["shipping_minor"], order["lines"][0]["rates"]
    del order["lines"][0]["shipping_minor"], order["lines"][0]["sale"]
    read = msgspec.convert(order, type(checked_out().order))
    assert (read.lines[0].rates, read.lines[0].shipping_minor, read.coupons) == (None, 0, ())
