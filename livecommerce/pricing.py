"""What an order costs: coupons, shipping, and each line's part of them. Nothing but integers, none lost."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from livecommerce.coupon import Coupon
from livecommerce.discount import discounts_of, stacked
from livecommerce.money import split
from livecommerce.orders import OrderLine, UsedCoupon
from livecommerce.shop import Policy


class Price(Struct, frozen=True, kw_only=True):
    """The price of an order.

    Law: ``gross_minor`` − ``discount_minor`` + ``shipping_minor`` = ``total_minor``, for the order and, with
    ``paid_minor``, for each line; lines add up to the order.
    """

    lines: tuple[OrderLine, ...]
    coupons: tuple[UsedCoupon, ...]
    gross_minor: int
    shipping_minor: int

    @property
    def discount_minor(self) -> int:
        """What all coupons take off."""
        return sum(coupon.discount_minor for coupon in self.coupons)

    @property
    def total_minor(self) -> int:
        """What the buyer pays."""
        return self.gross_minor - self.discount_minor + self.shipping_minor


def price(
    lines: Sequence[OrderLine], coupons: Sequence[Coupon], policy: Policy, currency: str, shop: str
) -> Price:
    """Prices the lines of one shop, which come with their gross alone.

    Raises:
        Conflict: a coupon does not fit the order, or the coupons do not fit together.
    """
    gross = [line.gross_minor for line in lines]
    applied = stacked(coupons)
    discounts = discounts_of(applied, sum(gross), currency, shop)
    left = list(gross)
    priced = list(lines)
    for coupon, discount in zip(applied, discounts, strict=True):
        parts = split(discount, left)
        left = [rest - part for rest, part in zip(left, parts, strict=True)]
        priced = [_lowered(line, coupon.funder, part) for line, part in zip(priced, parts, strict=True)]
    shipping = shipping_of(policy, sum(left))
    sent = split(shipping, gross)
    return Price(
        lines=tuple(
            replace(line, shipping_minor=part, paid_minor=line.paid_minor + part)
            for line, part in zip(priced, sent, strict=True)
        ),
        coupons=tuple(_used(coupon, part) for coupon, part in zip(applied, discounts, strict=True)),
        gross_minor=sum(gross),
        shipping_minor=shipping,
    )


def shipping_of(policy: Policy, goods_minor: int) -> int:
    """What sending goods costs that cost so much after discounts."""
    free = 0 < policy.free_shipping_from_minor <= goods_minor
    return 0 if free or not policy.address_needed else policy.shipping_minor


def _lowered(line: OrderLine, funder: str, part: int) -> OrderLine:
    merchant, platform = (0, part) if funder == "platform" else (part, 0)
    return replace(
        line,
        merchant_discount_minor=line.merchant_discount_minor + merchant,
        platform_discount_minor=line.platform_discount_minor + platform,
        paid_minor=line.paid_minor - part,
    )


def _used(coupon: Coupon, discount_minor: int) -> UsedCoupon:
    return UsedCoupon(
        grant=coupon.grant, campaign=coupon.campaign, funder=coupon.funder, discount_minor=discount_minor
    )
