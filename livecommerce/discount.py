"""What coupons take off a price, alone and together."""

from __future__ import annotations

from collections.abc import Sequence

from livecommerce.coupon import Coupon
from livecommerce.errors import Conflict
from livecommerce.money import floor_share


def discount_of(coupon: Coupon, gross_minor: int, currency: str, shop: str, taken_minor: int = 0) -> int:
    """What a coupon takes off a shop's products beside what others have taken off already.

    A percentage is of what is left of the price, rounded down. A unit is left to pay, as providers take no
    empty payments.

    Raises:
        Conflict: ``coupon_not_for_this`` (another merchant would pay), ``coupon_threshold`` or
            ``coupon_currency``.
    """
    if coupon.funder == "merchant" and coupon.shop != shop:
        raise Conflict("coupon_not_for_this")
    if coupon.currency != currency:
        raise Conflict("coupon_currency", currency=coupon.currency)
    if gross_minor < coupon.threshold_minor:
        raise Conflict("coupon_threshold", threshold_minor=coupon.threshold_minor)
    left = gross_minor - taken_minor
    worth = coupon.discount_minor
    if coupon.percent_ppm:
        worth = min(worth, floor_share(left, coupon.percent_ppm))
    return max(0, min(worth, left - 1))


def stacked(coupons: Sequence[Coupon]) -> tuple[Coupon, ...]:
    """Coupons of one order in the order in which they apply: the merchant's, then the platform's.

    One funder gives one coupon at most: two of a kind would multiply what a campaign means to give. The
    platform's lowers what the merchant's has left, as it would a lower price.

    Raises:
        Conflict: ``coupons_not_together`` (two of one funder), ``coupon_exclusive``.
    """
    if len(coupons) > 1 and any(coupon.exclusive for coupon in coupons):
        raise Conflict("coupon_exclusive")
    if len({coupon.funder for coupon in coupons}) < len(coupons):
        raise Conflict("coupons_not_together")
    return tuple(sorted(coupons, key=lambda coupon: coupon.funder != "merchant"))


def discounts_of(coupons: Sequence[Coupon], gross_minor: int, currency: str, shop: str) -> list[int]:
    """What each of stacked coupons takes off, in their order.

    Raises:
        Conflict: one of them does not fit.
    """
    discounts: list[int] = []
    for coupon in coupons:
        discounts.append(discount_of(coupon, gross_minor, currency, shop, sum(discounts)))
    return discounts


def best_together(
    coupons: Sequence[Coupon], gross_minor: int, currency: str, shop: str
) -> tuple[Coupon, ...]:
    """Those of a wallet's coupons that together take the most off; fewer where they take off as much."""
    fitting = [coupon for coupon in coupons if _takes_off(coupon, gross_minor, currency, shop)]
    choices: list[tuple[Coupon, ...]] = [()]
    for coupon in fitting:
        choices += [(coupon,), *(pair for other in fitting if (pair := _pair(coupon, other)))]
    return max(choices, key=lambda chosen: (_sum_of(chosen, gross_minor, currency, shop), -len(chosen)))


def _takes_off(coupon: Coupon, gross_minor: int, currency: str, shop: str) -> bool:
    try:
        return discount_of(coupon, gross_minor, currency, shop) > 0
    except Conflict:
        return False


def _pair(coupon: Coupon, other: Coupon) -> tuple[Coupon, ...]:
    try:
        return stacked((coupon, other))
    except Conflict:
        return ()


def _sum_of(coupons: Sequence[Coupon], gross_minor: int, currency: str, shop: str) -> int:
    return sum(discounts_of(coupons, gross_minor, currency, shop))
