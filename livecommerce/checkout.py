"""Checkout: a wish becomes an order's lines and terms, at prices and rates that no later change touches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from livecommerce.basket import Basket, Offer, WishLine, basket_of
from livecommerce.clock import Clock
from livecommerce.coupon import Coupon, Wallets
from livecommerce.errors import DomainError, NotFound
from livecommerce.fees import Occasion, RateBook, RatesInForce
from livecommerce.flash_sale import StockCount
from livecommerce.ids import GrantId, OrderId, SaleId, new_id, shard_of
from livecommerce.orders import (
    CardLine,
    LineRates,
    OrderCard,
    OrderDraft,
    OrderLine,
    OrderSummary,
    OrderTerms,
)
from livecommerce.policy_shelf import PolicyShelf
from livecommerce.pricing import Price
from livecommerce.shop import Policies, Policy

KEPT_OFFERS = 1_000
"""Offers a process remembers; far above what runs at a time."""


class Wish(Struct, frozen=True, kw_only=True):
    """A buyer's tap on *buy*: all of its lines, or none."""

    buyer: str
    key: str
    """Idempotency key: the same key is the same wish."""
    lines: tuple[WishLine, ...]
    grants: tuple[str, ...] = ()
    segment: str | None = None
    """The part of the show that is on air."""
    brand: str | None = None
    room: str = ""
    """Where it was made; sales of other rooms are not found there."""

    def fingerprint(self) -> str:
        """What makes two wishes with one key the same wish."""
        lines = ";".join(f"{line.sale}|{line.price_minor}|{line.qty}" for line in self.lines)
        return f"{lines}|{','.join(self.grants)}"


class Draft(Struct, frozen=True, kw_only=True):
    """An order that only lacks its units."""

    wish: Wish
    summary: OrderSummary
    order: OrderDraft


class Held(Struct, frozen=True, kw_only=True):
    """A granted wish, and what is left of its sales after it."""

    order: OrderCard
    stocks: tuple[StockCount, ...]


def check_out(
    wish: Wish,
    basket: Basket,
    coupons: Sequence[Coupon],
    policy: Policy,
    order: OrderId,
    at_ms: int,
    book: RateBook,
) -> Draft:
    """An order's price, lines and terms, at the rates of a time.

    Raises:
        Conflict: the coupons do not fit the order.
    """
    agreed = basket.price(coupons, policy)
    campaigns = tuple(coupon.campaign for coupon in agreed.coupons)
    occasion = Occasion(at_ms=at_ms, campaigns=campaigns, segment=wish.segment)
    return Draft(
        wish=wish,
        summary=_summary(wish, basket, agreed, policy, order),
        order=_order(wish, basket, agreed, policy, order, book, occasion),
    )


def _summary(wish: Wish, basket: Basket, agreed: Price, policy: Policy, order: OrderId) -> OrderSummary:
    offer, line = basket.first, agreed.lines[0]
    several = len(agreed.lines) > 1
    return OrderSummary(
        order=order,
        room=offer.room,
        sale=offer.sale,
        product=offer.product,
        sku=offer.sku,
        title=offer.title,
        image=offer.image,
        qty=sum(one.qty for one in agreed.lines),
        price_minor=line.unit_price_minor,
        discount_minor=agreed.discount_minor,
        total_minor=agreed.total_minor,
        currency=offer.currency,
        segment=wish.segment,
        brand=wish.brand,
        shop=offer.shop,
        lines=tuple(map(_card_line, agreed.lines, basket.offers)) if several else (),
        shipping_minor=agreed.shipping_minor,
        ships_within_hours=policy.ships_within_hours if policy.address_needed else 0,
        return_window_days=policy.return_window_days,
        address_needed=policy.address_needed,
    )


def _card_line(line: OrderLine, offer: Offer) -> CardLine:
    return CardLine(
        sale=line.sale,
        product=line.product,
        sku=line.sku,
        title=offer.title,
        image=offer.image,
        qty=line.qty,
        price_minor=line.unit_price_minor,
        discount_minor=line.merchant_discount_minor + line.platform_discount_minor,
    )


def _order(
    wish: Wish,
    basket: Basket,
    agreed: Price,
    policy: Policy,
    order: OrderId,
    book: RateBook,
    occasion: Occasion,
) -> OrderDraft:
    offer, rates = basket.first, [_rates(one, book, occasion) for one in basket.offers]
    return OrderDraft(
        order=order,
        room=offer.room,
        shop=offer.shop,
        host_shop=offer.host_shop,
        buyer=wish.buyer,
        creator=offer.creator,
        sale=offer.sale,
        segment=wish.segment,
        brand=wish.brand,
        campaign=agreed.coupons[0].campaign if agreed.coupons else None,
        currency=offer.currency,
        lines=tuple(replace(line, rates=own) for line, own in zip(agreed.lines, rates, strict=True)),
        total_minor=agreed.total_minor,
        terms=_terms(rates[0], agreed, policy, book, occasion),
        coupons=agreed.coupons,
    )


def _rates(offer: Offer, book: RateBook, occasion: Occasion) -> LineRates:
    found = book.rates_at(offer.category, occasion.at_ms, book.override_of(occasion))
    rates = found.beside(offer.brand_ppm)
    return LineRates(
        commission_ppm=rates.commission_ppm,
        technical_fee_ppm=rates.technical_fee_ppm,
        brand_ppm=offer.brand_ppm,
        creator_ppm=rates.creator_ppm,
    )


def _terms(first: LineRates, agreed: Price, policy: Policy, book: RateBook, occasion: Occasion) -> OrderTerms:
    override, payment = book.override_of(occasion), book.payment_at(occasion.at_ms)
    return OrderTerms(
        commission_ppm=first.commission_ppm,
        technical_fee_ppm=first.technical_fee_ppm,
        creator_ppm=first.creator_ppm or 0,
        brand_ppm=first.brand_ppm,
        payment_fee_ppm=payment.fee_ppm,
        payment_fee_bearer=payment.bearer,
        return_window_days=policy.return_window_days,
        shipping_minor=agreed.shipping_minor,
        ships_within_hours=policy.ships_within_hours if policy.address_needed else 0,
        override=override.tag if override else "",
    )


class Holds(Protocol):
    """Where wishes become holds."""

    async def offers(self, sales: Sequence[SaleId]) -> list[Offer | None]:
        """What each sale sells; offers never change, so a reader may keep them."""
        ...

    async def hold_many(self, drafts: Sequence[Draft]) -> list[Held | DomainError]:
        """Takes units for each draft by itself, all in one round trip; answers in order.

        A draft gets all its lines and coupons, or nothing; a refusal names the line by its ``sale``. A held
        order is durable. The same key again answers the same hold, with another wish it is ``key_reused``.
        Refusals are answers, so that one buyer's does not concern another.
        """
        ...


Mould = tuple[tuple[WishLine, ...], str | None, str | None, str]
"""What makes drafts of one moment alike but for order and buyer: lines, segment, brand, room; no coupons."""


class Checkout:
    """Turns wishes into holds."""

    def __init__(
        self, holds: Holds, wallets: Wallets, policies: Policies, clock: Clock, rates: RatesInForce
    ) -> None:
        self._holds = holds
        self._wallets = wallets
        self._policies = PolicyShelf(policies, clock)
        self._rates = rates
        self._offers: dict[str, Offer] = {}

    async def buy(self, wishes: Sequence[Wish], at_ms: int) -> list[Held | DomainError]:
        """Answers each wish by itself, in order; at most three round trips to Redis for all of them."""
        await self._learn({line.sale for wish in wishes for line in wish.lines})
        coupons = await self._coupons([grant for wish in wishes for grant in wish.grants])
        moulds: dict[Mould, Draft] = {}
        drafts = [self._cast(wish, coupons, at_ms, moulds) for wish in wishes]
        answers = iter(await self._holds.hold_many([draft for draft in drafts if isinstance(draft, Draft)]))
        return [next(answers) if isinstance(draft, Draft) else draft for draft in drafts]

    async def look(
        self, lines: Sequence[WishLine], grants: Sequence[str]
    ) -> tuple[Basket, Policy, list[Coupon]]:
        """What a wish would be made of, without wishing; coupons that are not there are left out.

        Raises:
            DomainError: the lines make no order.
        """
        await self._learn({line.sale for line in lines})
        basket = basket_of(lines, self._offers)
        coupons = await self._coupons(grants)
        return basket, self._policies.of(basket.first.shop), list(coupons.values())

    async def _learn(self, sales: set[str]) -> None:
        unknown = sales - self._offers.keys()
        if unknown:
            if len(self._offers) > KEPT_OFFERS:
                self._offers.clear()
                unknown = sales
            offers = await self._holds.offers([SaleId(sale) for sale in unknown])
            self._offers.update({offer.sale: offer for offer in offers if offer is not None})
        await self._policies.learn({self._offers[sale].shop for sale in sales if sale in self._offers})

    async def _coupons(self, grants: Sequence[str]) -> dict[str, Coupon]:
        if not grants:
            return {}
        found = await self._wallets.coupons([GrantId(grant) for grant in grants])
        return {coupon.grant: coupon for coupon in found if coupon is not None}

    def _cast(
        self, wish: Wish, coupons: Mapping[str, Coupon], at_ms: int, moulds: dict[Mould, Draft]
    ) -> Draft | DomainError:
        """A draft; in a burst most wishes are alike, and only the first of a kind is worked out."""
        mould = (wish.lines, wish.segment, wish.brand, wish.room)
        model = moulds.get(mould) if not wish.grants else None
        if model is not None:
            order = new_id(shard_of(model.order.order), at_ms)
            return Draft(
                wish=wish,
                summary=replace(model.summary, order=order),
                order=replace(model.order, order=order, buyer=wish.buyer),
            )
        draft = self._draft(wish, coupons, at_ms)
        if isinstance(draft, Draft) and not wish.grants:
            moulds[mould] = draft
        return draft

    def _draft(self, wish: Wish, coupons: Mapping[str, Coupon], at_ms: int) -> Draft | DomainError:
        if any(grant not in coupons for grant in wish.grants):
            return NotFound("coupon_not_found")
        try:
            basket = basket_of(wish.lines, self._offers)
            if wish.room not in ("", basket.first.room):
                raise NotFound("sale_not_found")
            policy = self._policies.of(basket.first.shop)
            order = OrderId(new_id(shard_of(basket.first.sale), at_ms))
            used = [coupons[grant] for grant in wish.grants]
            return check_out(wish, basket, used, policy, order, at_ms, self._rates())
        except DomainError as refusal:
            return refusal
