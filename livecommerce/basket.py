"""Baskets: the lines of a wish, with what their sales offer.

All lines of an order belong to one merchant's goods in one room: who is paid, who sends and whose promises
hold is one shop. What a guest brand sells is an order of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from livecommerce.coupon import Coupon
from livecommerce.errors import Conflict, Invalid, NotFound
from livecommerce.localized import LocalText
from livecommerce.orders import OrderLine
from livecommerce.pricing import Price, price
from livecommerce.shop import Policy

MAX_LINES = 10


class Offer(Struct, frozen=True, kw_only=True):
    """What a sale sells, for whom and by whom; fixed when it opens. The price is the inventory's."""

    sale: str
    room: str
    shop: str
    """The merchant: owner of the product."""
    host_shop: str
    creator: str
    """The host, a person id."""
    product: str
    sku: str
    category: str
    title: LocalText
    image: str
    currency: str
    brand_ppm: int = 0
    """What a guest brand leaves to the show's shop."""


class WishLine(Struct, frozen=True, kw_only=True):
    """Units of one sale that a buyer wishes for."""

    sale: str
    price_minor: int
    """Per unit, as the buyer saw it."""
    qty: int = 1


class Basket(Struct, frozen=True, kw_only=True):
    """The lines of a wish with what their sales offer, one merchant's in one room."""

    lines: tuple[WishLine, ...]
    offers: tuple[Offer, ...]
    """One a line."""

    @property
    def first(self) -> Offer:
        """What holds for all lines: merchant, room, host, currency."""
        return self.offers[0]

    def order_lines(self) -> tuple[OrderLine, ...]:
        """The lines at their list price."""
        pairs = zip(self.lines, self.offers, strict=True)
        return tuple(_order_line(number, line, offer) for number, (line, offer) in enumerate(pairs, 1))

    def price(self, coupons: Sequence[Coupon], policy: Policy) -> Price:
        """What it costs.

        Raises:
            Conflict: the coupons do not fit.
        """
        return price(self.order_lines(), coupons, policy, self.first.currency, self.first.shop)


def basket_of(lines: Sequence[WishLine], offers: Mapping[str, Offer]) -> Basket:
    """Puts the lines of a wish together.

    Raises:
        Invalid: ``bad_bag`` (no line, too many, or two of one sale).
        NotFound: ``sale_not_found``.
        Conflict: ``several_shops``: they are not one merchant's; ``sale`` names the first other one.
    """
    if not 1 <= len(lines) <= MAX_LINES or len({line.sale for line in lines}) < len(lines):
        raise Invalid("bad_bag", max=MAX_LINES)
    if any(line.sale not in offers for line in lines):
        raise NotFound("sale_not_found")
    found = tuple(offers[line.sale] for line in lines)
    for offer in found:
        if _owner(offer) != _owner(found[0]):
            raise Conflict("several_shops", sale=offer.sale)
    return Basket(lines=tuple(lines), offers=found)


def _owner(offer: Offer) -> tuple[str, ...]:
    return (offer.room, offer.shop, offer.host_shop, offer.creator, offer.currency)


def _order_line(number: int, line: WishLine, offer: Offer) -> OrderLine:
    gross = line.price_minor * line.qty
    return OrderLine(
        line=number,
        product=offer.product,
        sku=offer.sku,
        category=offer.category,
        qty=line.qty,
        unit_price_minor=line.price_minor,
        gross_minor=gross,
        merchant_discount_minor=0,
        platform_discount_minor=0,
        paid_minor=gross,
        sale=offer.sale,
    )
