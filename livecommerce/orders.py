"""Orders: what a buyer sees of one, and the record that leaves the live system when it is confirmed."""

from __future__ import annotations

from msgspec import Struct

from livecommerce.localized import LocalText


class OrderCard(Struct, frozen=True, kw_only=True):
    """A buyer's hold and the order it becomes; the highest ``v`` wins."""

    order: str
    v: int
    state: str
    """held, paying, closing, sold, released, expired."""
    room: str
    sale: str
    product: str
    sku: str
    title: LocalText
    image: str
    qty: int
    price_minor: int
    """Per unit."""
    discount_minor: int
    total_minor: int
    """What the buyer pays."""
    currency: str
    expires_ms: int
    created_ms: int
    pay_url: str = ""
    segment: str | None = None
    brand: str | None = None


class OrderTerms(Struct, frozen=True, kw_only=True):
    """Rates and promises as they were when the buyer tapped; a later change does not touch them."""

    commission_ppm: int
    """The platform's commission of the fee base, by category."""
    technical_fee_ppm: int
    creator_ppm: int
    """The creator's (host's) share of the fee base."""
    brand_ppm: int = 0
    """The share of the fee base that a guest brand leaves to the show's shop."""
    payment_fee_ppm: int = 6_000
    payment_fee_bearer: str = "merchant"
    """merchant or platform."""
    return_window_days: int = 7


class OrderLine(Struct, frozen=True, kw_only=True):
    """One SKU of an order; discounts are already allocated to it."""

    line: int
    """From 1."""
    product: str
    sku: str
    category: str
    qty: int
    unit_price_minor: int
    gross_minor: int
    """Unit price times quantity."""
    merchant_discount_minor: int
    platform_discount_minor: int
    paid_minor: int
    """Gross less both discounts."""


class Capture(Struct, frozen=True, kw_only=True):
    """Money that a payment provider took from the buyer."""

    provider: str
    payment: str
    """The provider's transaction id."""
    captured_minor: int
    captured_ms: int


class ConfirmedOrder(Struct, frozen=True, kw_only=True):
    """A paid order, complete: everything that SQL and the ledger need, and no personal data.

    Law: ``paid_minor`` of the lines add up to ``total_minor``, which is what was captured.
    """

    order: str
    room: str
    shop: str
    """The merchant: owner of the products."""
    host_shop: str
    """The shop whose room sold it; another one than ``shop`` in a guest brand's segment."""
    buyer: str
    creator: str
    """The host who sold it, a person id."""
    sale: str
    segment: str | None
    brand: str | None
    campaign: str | None
    currency: str
    lines: tuple[OrderLine, ...]
    total_minor: int
    terms: OrderTerms
    charge: Capture
    created_ms: int
    confirmed_ms: int
    v: int = 1
