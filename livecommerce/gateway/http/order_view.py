"""A confirmed order with its parcels, returns and refunds, as its buyer and its merchant see it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from livecommerce.aftersales.desk import Labels
from livecommerce.aftersales.record import (
    LineBalance,
    LineUnits,
    OrderRecord,
    Parcel,
    Refund,
    RefundLine,
    Return,
)
from livecommerce.aftersales.refund import return_worth
from livecommerce.aftersales.returns import may_return
from livecommerce.localized import LocalText
from livecommerce.orders import OrderLine


class LineView(Struct, frozen=True, kw_only=True):
    """One line, and what is left of it."""

    line: int
    product: str
    sku: str
    title: LocalText
    variant: LocalText
    image: str
    qty: int
    unit_price_minor: int
    discount_minor: int
    """Of the whole line, by all coupons."""
    shipping_minor: int
    """The line's part of the order's shipping."""
    paid_minor: int
    shipped: int
    to_ship: int
    returnable: int
    refundable_units: int
    refunded_minor: int
    left_minor: int
    units_left: int
    restockable: int
    restocked: int


class RefundView(Struct, frozen=True, kw_only=True):
    """A refund, without who asked for it."""

    refund: str
    state: str
    cause: str
    amount_minor: int
    lines: tuple[RefundLine, ...]
    reason: str
    return_id: str | None
    created_ms: int
    done_ms: int | None
    error: str


class ReturnView(Struct, frozen=True, kw_only=True):
    """A return, and what may be paid for it."""

    return_id: str
    state: str
    reason: str
    note: str
    answer: str
    lines: tuple[LineUnits, ...]
    carrier: str
    tracking: str
    created_ms: int
    decided_ms: int | None
    received_ms: int | None
    worth_minor: int


class OrderRights(Struct, frozen=True, kw_only=True):
    """What can be done now."""

    cancel: bool
    receive: bool
    ask_back: bool
    ship: bool
    refund: bool


class OrderView(Struct, frozen=True, kw_only=True):
    """An order after its confirmation."""

    order: str
    room: str
    room_title: LocalText
    shop: str
    shop_name: LocalText
    buyer_name: str
    currency: str
    total_minor: int
    refunded_minor: int
    left_minor: int
    created_ms: int
    confirmed_ms: int
    order_state: str
    charge: str
    fulfillment: str
    received_ms: int | None
    receipt_due_ms: int | None
    return_until_ms: int | None
    return_window_days: int
    settles_ms: int | None
    lines: tuple[LineView, ...]
    parcels: tuple[Parcel, ...]
    returns: tuple[ReturnView, ...]
    refunds: tuple[RefundView, ...]
    may: OrderRights


def order_view(record: OrderRecord, labels: Labels, now_ms: int) -> OrderView:
    """An order as it is shown."""
    order, balances = record.order, record.balances()
    return OrderView(
        order=order.order,
        room=order.room,
        room_title=labels.rooms.get(order.room, {}),
        shop=order.shop,
        shop_name=labels.shops.get(order.shop, {}),
        buyer_name=labels.people.get(order.buyer, ""),
        currency=order.currency,
        total_minor=order.total_minor,
        refunded_minor=record.refunded_minor,
        left_minor=record.left_minor,
        created_ms=order.created_ms,
        confirmed_ms=order.confirmed_ms,
        order_state=record.order_state,
        charge=record.charge_state,
        fulfillment=record.fulfillment_state,
        received_ms=record.received_ms,
        receipt_due_ms=record.receipt_due_ms,
        return_until_ms=record.return_until_ms,
        return_window_days=order.terms.return_window_days,
        settles_ms=record.settles_ms,
        lines=tuple(
            _line(line, balance, labels) for line, balance in zip(order.lines, balances, strict=True)
        ),
        parcels=record.parcels,
        returns=tuple(_return(record, one) for one in record.returns),
        refunds=tuple(_refund(one) for one in record.refunds),
        may=_may(record, balances, now_ms),
    )


def _line(line: OrderLine, balance: LineBalance, labels: Labels) -> LineView:
    return LineView(
        line=line.line,
        product=line.product,
        sku=line.sku,
        title=labels.products.get(line.product, {"und": line.product}),
        variant=labels.skus.get(line.sku, {}),
        image=labels.images.get(line.product, ""),
        qty=line.qty,
        unit_price_minor=line.unit_price_minor,
        discount_minor=line.merchant_discount_minor + line.platform_discount_minor,
        shipping_minor=line.shipping_minor,
        paid_minor=line.paid_minor,
        shipped=balance.shipped,
        to_ship=balance.to_ship,
        returnable=max(balance.returnable, 0),
        refundable_units=balance.refundable_units,
        refunded_minor=balance.refunded_minor,
        left_minor=balance.left_minor,
        units_left=balance.units_left,
        restockable=balance.restockable,
        restocked=balance.restocked,
    )


def _return(record: OrderRecord, one: Return) -> ReturnView:
    return ReturnView(
        return_id=one.return_id,
        state=one.state,
        reason=one.reason,
        note=one.note,
        answer=one.answer,
        lines=one.lines,
        carrier=one.carrier,
        tracking=one.tracking,
        created_ms=one.created_ms,
        decided_ms=one.decided_ms,
        received_ms=one.received_ms,
        worth_minor=return_worth(record, one),
    )


def _refund(one: Refund) -> RefundView:
    return RefundView(
        refund=one.refund,
        state=one.state,
        cause=one.cause,
        amount_minor=one.amount_minor,
        lines=one.lines,
        reason=one.reason,
        return_id=one.return_id,
        created_ms=one.created_ms,
        done_ms=one.done_ms,
        error=one.error,
    )


def _may(record: OrderRecord, balances: Sequence[LineBalance], now_ms: int) -> OrderRights:
    is_open, has_money = record.order_state == "confirmed", record.left_minor > 0
    return OrderRights(
        cancel=is_open and has_money and not record.parcels,
        receive=record.received_ms is None and record.fulfillment_state in ("shipped", "delivered"),
        ask_back=may_return(record, now_ms),
        ship=is_open and any(balance.to_ship for balance in balances),
        refund=has_money and bool(record.order.charge.attempt),
    )
