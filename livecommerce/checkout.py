"""Checkout: a wish becomes an order's lines and terms, at prices and rates that no later change touches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.coupon import Coupon, Wallets, discount_of
from livecommerce.errors import DomainError, NotFound
from livecommerce.flash_sale import StockCount
from livecommerce.ids import GrantId, OrderId, SaleId, new_id, shard_of
from livecommerce.localized import LocalText
from livecommerce.money import PPM, split
from livecommerce.orders import OrderCard, OrderDraft, OrderLine, OrderSummary, OrderTerms


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


class Wish(Struct, frozen=True, kw_only=True):
    """A buyer's tap on *buy*."""

    buyer: str
    sale: str
    key: str
    """Idempotency key: the same key is the same wish."""
    price_minor: int
    """Per unit, as the buyer saw it."""
    qty: int = 1
    grant: str = ""
    segment: str | None = None
    """The part of the show that is on air."""
    brand: str | None = None

    def fingerprint(self) -> str:
        """What makes two wishes with one key the same wish."""
        return f"{self.sale}|{self.price_minor}|{self.qty}|{self.grant}"


class Draft(Struct, frozen=True, kw_only=True):
    """An order that only lacks its units."""

    wish: Wish
    summary: OrderSummary
    order: OrderDraft


class Held(Struct, frozen=True, kw_only=True):
    """A granted wish, and what is left after it."""

    order: OrderCard
    stock: StockCount


class Rates(Struct, frozen=True, kw_only=True):
    """The platform's fees of a category, in force from a time on."""

    from_ms: int
    commission_ppm: int
    technical_fee_ppm: int


RATES: dict[str, tuple[Rates, ...]] = {
    "": (Rates(from_ms=0, commission_ppm=50_000, technical_fee_ppm=6_000),),
    "fresh-food": (Rates(from_ms=0, commission_ppm=20_000, technical_fee_ppm=6_000),),
    "electronics": (Rates(from_ms=0, commission_ppm=30_000, technical_fee_ppm=6_000),),
    "jewelry": (Rates(from_ms=0, commission_ppm=100_000, technical_fee_ppm=10_000),),
}
"""Category → its rates, oldest first; the empty category serves all that are not listed."""

CREATOR_PPM = 200_000

MOST_BRAND_PPM = (
    PPM
    - CREATOR_PPM
    - max(rates.commission_ppm + rates.technical_fee_ppm for dated in RATES.values() for rates in dated)
)
"""What a guest brand can leave to the show's shop at most, so that an order's shares are within the whole."""

KEPT_OFFERS = 1_000
"""Offers a process remembers; far above what runs at a time."""


def rates_at(category: str, at_ms: int) -> Rates:
    """The rates of a category at a time."""
    dated = RATES.get(category, RATES[""])
    return [rates for rates in dated if rates.from_ms <= at_ms][-1]


def check_out(wish: Wish, offer: Offer, coupon: Coupon | None, order: OrderId, at_ms: int) -> Draft:
    """An order's price, lines and terms.

    Raises:
        Conflict: the coupon does not fit the order.
    """
    gross = wish.price_minor * wish.qty
    discount = discount_of(coupon, gross, offer.currency, offer.shop) if coupon else 0
    lines = _allocate(_lines(wish, offer), coupon, discount)
    rates = rates_at(offer.category, at_ms)
    return Draft(
        wish=wish,
        summary=OrderSummary(
            order=order,
            room=offer.room,
            sale=offer.sale,
            product=offer.product,
            sku=offer.sku,
            title=offer.title,
            image=offer.image,
            qty=wish.qty,
            price_minor=wish.price_minor,
            discount_minor=discount,
            total_minor=gross - discount,
            currency=offer.currency,
            segment=wish.segment,
            brand=wish.brand,
        ),
        order=OrderDraft(
            order=order,
            room=offer.room,
            shop=offer.shop,
            host_shop=offer.host_shop,
            buyer=wish.buyer,
            creator=offer.creator,
            sale=offer.sale,
            segment=wish.segment,
            brand=wish.brand,
            campaign=coupon.campaign if coupon else None,
            currency=offer.currency,
            lines=lines,
            total_minor=gross - discount,
            terms=OrderTerms(
                commission_ppm=rates.commission_ppm,
                technical_fee_ppm=rates.technical_fee_ppm,
                creator_ppm=CREATOR_PPM,
                brand_ppm=offer.brand_ppm,
            ),
        ),
    )


def _lines(wish: Wish, offer: Offer) -> tuple[OrderLine, ...]:
    gross = wish.price_minor * wish.qty
    return (
        OrderLine(
            line=1,
            product=offer.product,
            sku=offer.sku,
            category=offer.category,
            qty=wish.qty,
            unit_price_minor=wish.price_minor,
            gross_minor=gross,
            merchant_discount_minor=0,
            platform_discount_minor=0,
            paid_minor=gross,
        ),
    )


def _allocate(lines: Sequence[OrderLine], coupon: Coupon | None, discount: int) -> tuple[OrderLine, ...]:
    """Spreads a discount over lines by their gross; the parts add up exactly."""
    if coupon is None:
        return tuple(lines)
    parts = split(discount, [line.gross_minor for line in lines])
    return tuple(_discounted(line, coupon.funder, part) for line, part in zip(lines, parts, strict=True))


def _discounted(line: OrderLine, funder: str, part: int) -> OrderLine:
    merchant, platform = (0, part) if funder == "platform" else (part, 0)
    return OrderLine(
        line=line.line,
        product=line.product,
        sku=line.sku,
        category=line.category,
        qty=line.qty,
        unit_price_minor=line.unit_price_minor,
        gross_minor=line.gross_minor,
        merchant_discount_minor=merchant,
        platform_discount_minor=platform,
        paid_minor=line.gross_minor - part,
    )


class Holds(Protocol):
    """Where wishes become holds."""

    async def offers(self, sales: Sequence[SaleId]) -> list[Offer | None]:
        """What each sale sells; offers never change, so a reader may keep them."""
        ...

    async def hold_many(self, drafts: Sequence[Draft]) -> list[Held | DomainError]:
        """Takes units for each draft by itself, all in one round trip; answers in order.

        A granted hold is durable. The same key again answers the same hold, with another wish it is
        ``key_reused``. Refusals are answers, so that one buyer's does not concern another.
        """
        ...


class Checkout:
    """Turns wishes into holds."""

    def __init__(self, holds: Holds, wallets: Wallets) -> None:
        self._holds = holds
        self._wallets = wallets
        self._offers: dict[str, Offer] = {}

    async def buy(self, wishes: Sequence[Wish], at_ms: int) -> list[Held | DomainError]:
        """Answers each wish by itself, in order; at most three round trips for all of them."""
        await self._learn({wish.sale for wish in wishes} - self._offers.keys())
        coupons = await self._coupons([wish.grant for wish in wishes if wish.grant])
        drafts = [self._draft(wish, coupons, at_ms) for wish in wishes]
        answers = iter(await self._holds.hold_many([draft for draft in drafts if isinstance(draft, Draft)]))
        return [next(answers) if isinstance(draft, Draft) else draft for draft in drafts]

    async def _learn(self, sales: set[str]) -> None:
        if sales:
            if len(self._offers) > KEPT_OFFERS:
                self._offers.clear()
            offers = await self._holds.offers([SaleId(sale) for sale in sales])
            self._offers.update({offer.sale: offer for offer in offers if offer is not None})

    async def _coupons(self, grants: Sequence[str]) -> dict[str, Coupon]:
        if not grants:
            return {}
        found = await self._wallets.coupons([GrantId(grant) for grant in grants])
        return {coupon.grant: coupon for coupon in found if coupon is not None}

    def _draft(self, wish: Wish, coupons: dict[str, Coupon], at_ms: int) -> Draft | DomainError:
        offer = self._offers.get(wish.sale)
        if offer is None:
            return NotFound("sale_not_found")
        if wish.grant and wish.grant not in coupons:
            return NotFound("coupon_not_found")
        order = OrderId(new_id(shard_of(wish.sale), at_ms))
        try:
            return check_out(wish, offer, coupons.get(wish.grant), order, at_ms)
        except DomainError as refusal:
            return refusal
