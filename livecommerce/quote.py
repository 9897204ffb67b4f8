"""Quotes: what a basket would cost, and why a coupon does not lower it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from livecommerce.basket import Basket
from livecommerce.coupon import Coupon
from livecommerce.discount import best_together
from livecommerce.errors import Conflict
from livecommerce.pricing import Price
from livecommerce.shop import Policy


class QuotedCoupon(Struct, frozen=True, kw_only=True):
    """What one coupon of a wallet does to a basket."""

    grant: str
    discount_minor: int
    """0 where it is not used."""
    code: str = ""
    """Why it cannot be used, alone or beside those that are."""
    params: dict[str, str | int] = {}


class Quote(Struct, frozen=True, kw_only=True):
    """What a basket costs at this moment; only a hold keeps a price."""

    currency: str
    gross_minor: int
    discount_minor: int
    shipping_minor: int
    total_minor: int
    coupons: tuple[QuotedCoupon, ...]
    """One for each that was asked about, in that order."""
    policy: Policy


def quote(basket: Basket, policy: Policy, wallet: Sequence[Coupon], chosen: Sequence[str] | None) -> Quote:
    """Prices a basket with the chosen coupons of a wallet, or with the best ones where none are chosen.

    Raises:
        Conflict: the chosen coupons do not fit.
    """
    first, gross = basket.first, sum(line.gross_minor for line in basket.order_lines())
    if chosen is None:
        used = best_together(wallet, gross, first.currency, first.shop)
    else:
        used = tuple(coupon for coupon in wallet if coupon.grant in chosen)
    price = basket.price(used, policy)
    return Quote(
        currency=first.currency,
        gross_minor=gross,
        discount_minor=price.discount_minor,
        shipping_minor=price.shipping_minor,
        total_minor=price.total_minor,
        coupons=tuple(_quoted(coupon, used, price, basket, policy) for coupon in wallet),
        policy=policy,
    )


def _quoted(
    coupon: Coupon, used: Sequence[Coupon], price: Price, basket: Basket, policy: Policy
) -> QuotedCoupon:
    for one in price.coupons:
        if one.grant == coupon.grant:
            return QuotedCoupon(grant=coupon.grant, discount_minor=one.discount_minor)
    try:
        basket.price([coupon], policy)
        basket.price([*used, coupon], policy)
    except Conflict as refusal:
        return QuotedCoupon(
            grant=coupon.grant, discount_minor=0, code=refusal.code, params=dict(refusal.params)
        )
    return QuotedCoupon(grant=coupon.grant, discount_minor=0)
