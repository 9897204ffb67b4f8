"""Orders: what a buyer sees of one, and the record that leaves the live system when it is confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.ids import OrderId, PersonId, Shard
from livecommerce.localized import LocalText


class CardLine(Struct, frozen=True, kw_only=True):
    """One line of an order's card."""

    sale: str
    product: str
    sku: str
    title: LocalText
    image: str
    qty: int
    price_minor: int
    """Per unit."""
    discount_minor: int
    """Of the whole line, by all coupons."""


class OrderSummary(Struct, frozen=True, kw_only=True):
    """The part of an order's card that is settled when the buyer taps.

    ``sale``, ``product``, ``sku``, ``title``, ``image`` and ``price_minor`` are those of the first line.
    """

    order: str
    room: str
    sale: str
    product: str
    sku: str
    title: LocalText
    image: str
    qty: int
    """Units of all lines."""
    price_minor: int
    """Per unit."""
    discount_minor: int
    total_minor: int
    """What the buyer pays, shipping included."""
    currency: str
    segment: str | None = None
    brand: str | None = None
    shop: str = ""
    """The merchant."""
    lines: tuple[CardLine, ...] = ()
    """Every line where there are several; an order of one line is told by the fields above."""
    shipping_minor: int = 0
    ships_within_hours: int = 0
    """The merchant's promise; 0: none."""
    return_window_days: int = 7
    address_needed: bool = False
    """Goods are sent: it cannot be paid without an address."""


class OrderCard(OrderSummary, frozen=True, kw_only=True):
    """A buyer's hold and the order it becomes; the highest ``v`` wins."""

    v: int
    state: str
    """held, paying, closing, sold, released, expired."""
    expires_ms: int
    created_ms: int
    pay_url: str = ""


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
    shipping_minor: int = 0
    """What the buyer pays for sending all of it."""
    ships_within_hours: int = 0
    """The merchant's promise; 0: none."""
    override: str = ""
    """Tag of the override that its rates are of; empty: those of its categories."""


class LineRates(Struct, frozen=True, kw_only=True):
    """Rates of one line, as they were when the buyer tapped."""

    commission_ppm: int
    """The platform's commission of the line's fee base, by its category."""
    technical_fee_ppm: int
    brand_ppm: int = 0
    """The share of the line's fee base that a guest brand leaves to the show's shop."""
    creator_ppm: int | None = None
    """The creator's share of the line's fee base; None in older orders: the order's terms tell it."""


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
    """Gross less both discounts, and its part of the shipping."""
    shipping_minor: int = 0
    """Its part of the order's shipping."""
    sale: str = ""
    """Where its units are from; empty in orders from before there were several lines: the order's sale."""
    rates: LineRates | None = None
    """None in orders from before there were several lines: the order's terms tell them."""


class UsedCoupon(Struct, frozen=True, kw_only=True):
    """A coupon that lowers an order."""

    grant: str
    campaign: str
    funder: str
    """merchant or platform."""
    discount_minor: int


class Capture(Struct, frozen=True, kw_only=True):
    """Money that a payment provider took from the buyer."""

    provider: str
    payment: str
    """The provider's transaction id."""
    captured_minor: int
    captured_ms: int
    attempt: str = ""
    """Our id of the payment, under which the provider is asked for refunds."""


class OrderDraft(Struct, frozen=True, kw_only=True):
    """Everything that is agreed when the buyer taps, and no personal data.

    All lines are one merchant's and one room's. Law: ``paid_minor`` of the lines add up to ``total_minor``.
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
    """The first line's."""
    segment: str | None
    brand: str | None
    campaign: str | None
    """The first coupon's."""
    currency: str
    lines: tuple[OrderLine, ...]
    total_minor: int
    terms: OrderTerms
    coupons: tuple[UsedCoupon, ...] = ()
    """At most one that the merchant pays for, first, and one that the platform pays for."""


class ConfirmedOrder(OrderDraft, frozen=True, kw_only=True):
    """A paid order, complete: everything that SQL and the ledger need.

    Law: ``total_minor`` is what was captured.
    """

    charge: Capture
    created_ms: int
    confirmed_ms: int
    v: int = 1


class OpenOrder(Struct, frozen=True, kw_only=True):
    """An order as the live system has it."""

    card: OrderCard
    buyer: str
    payment: str
    """The payment under way or done; empty before."""


class ClosingOrder(Struct, frozen=True, kw_only=True):
    """An unpaid order that is ending; the provider must say first that it will never capture."""

    order: str
    v: int
    payment: str


class Sweep(Struct, frozen=True, kw_only=True):
    """What one sweep of a shard did."""

    handled: int
    """Deadlines handled; as many as asked for means that there may be more."""
    closing: tuple[ClosingOrder, ...]
    """Orders leased to the caller for a few seconds."""


class OpenOrders(Protocol):
    """Orders from the buyer's tap until SQL has them."""

    async def find(self, order: OrderId) -> OpenOrder | None:
        """The order, or ``None`` if it is not (or no longer) here."""
        ...

    async def of_buyer(self, buyer: PersonId) -> list[OrderCard]:
        """A buyer's orders in all rooms, newest first."""
        ...

    async def cancel(self, order: OrderId, buyer: PersonId) -> OrderCard:
        """The buyer gives up an unpaid order; one with a payment under way is closed at the provider first.

        Raises:
            NotFound: no such order of this buyer.
            Conflict: ``already_paid``.
        """
        ...

    async def release(self, order: OrderId, v: int) -> OrderCard:
        """Ends a closing order; does nothing if its version has moved on."""
        ...

    async def sweep(self, shard: Shard, count: int) -> Sweep:
        """Expires overdue holds, closes sales that are over, leases overdue payments; ``count`` at most."""
        ...

    async def projected(self, order: OrderId) -> None:
        """SQL has the order; the live system may forget it."""
        ...

    async def forget(self, shard: Shard, count: int) -> int:
        """Removes orders that SQL has had for a while; answers how many."""
        ...


AXES = {
    "held": ("awaiting_payment", "none"),
    "paying": ("awaiting_payment", "pending"),
    "closing": ("awaiting_payment", "pending"),
    "sold": ("confirmed", "full"),
    "released": ("canceled", "none"),
    "expired": ("expired", "none"),
}
"""A live order's state → its order axis and its charge axis; nothing is fulfilled before SQL owns it."""


class GivenBack(Struct, frozen=True, kw_only=True):
    """Money for an order that came to nothing, on its way back to the buyer."""

    reason: str
    """too_late or wrong_amount."""
    done: bool
    """The provider has returned it."""


class OrderRow(OrderCard, frozen=True, kw_only=True):
    """An order on the buyer's page: three independent axes instead of one state."""

    order_state: str
    """awaiting_payment, confirmed, completed, expired, canceled."""
    charge: str
    """none, pending, full, partially_refunded, refunded."""
    fulfillment: str
    """unfulfilled, partially_shipped, shipped, delivered, received, returned."""
    room_title: LocalText
    brand_name: LocalText | None
    paid_ms: int | None
    ledger: str | None
    """``applied`` once the ledger has it."""
    given_back: GivenBack | None = None
    """Only of an order that ended without a sale."""


class Names(Struct, frozen=True, kw_only=True):
    """What rooms and shops are called, by id."""

    rooms: dict[str, LocalText]
    shops: dict[str, LocalText]


def row_of(card: OrderCard, names: Names, given_back: GivenBack | None = None) -> OrderRow:
    """An order that is still live, as the buyer's page shows it."""
    order_state, charge = AXES[card.state]
    return OrderRow(
        **{name: getattr(card, name) for name in OrderCard.__struct_fields__},
        order_state=order_state,
        charge=charge,
        fulfillment="unfulfilled",
        room_title=names.rooms.get(card.room, {}),
        brand_name=names.shops.get(card.brand or ""),
        paid_ms=None,
        ledger=None,
        given_back=given_back,
    )


class OrderStore(Protocol):
    """Orders that SQL owns, from confirmation on."""

    async def find(self, order: OrderId) -> tuple[PersonId, OrderRow] | None:
        """The buyer and the order, or ``None``."""
        ...

    async def of_buyer(self, buyer: PersonId) -> list[OrderRow]:
        """A buyer's orders, newest first."""
        ...

    async def names(self, cards: Sequence[OrderCard]) -> Names:
        """What the rooms and brands of live orders are called."""
        ...
