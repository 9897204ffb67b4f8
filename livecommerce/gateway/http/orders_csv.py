"""Orders as CSV, a row a line, written while they are read: an export may be longer than memory."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from io import StringIO

from livecommerce.addresses import Deliveries, Delivery
from livecommerce.aftersales.desk import Labels, OrderDesk, OrderFilter, Place
from livecommerce.aftersales.record import LineBalance, OrderRecord
from livecommerce.ids import OrderId
from livecommerce.localized import LocalText
from livecommerce.money import Money
from livecommerce.orders import OrderLine

BATCH = 200
BYTE_ORDER_MARK = "\ufeff"
"""Without it some spreadsheets take UTF-8 for something else."""

FORMULA = tuple("=+-@＝＋－＠")
"""What makes a cell a formula, also in full width."""

COLUMNS = (
    "order",
    "paid_at",
    "order_state",
    "charge",
    "fulfillment",
    "line",
    "product",
    "variant",
    "sku",
    "qty",
    "unit_price",
    "paid",
    "refunded",
    "currency",
    "shipped",
    "carrier",
    "tracking",
    "room",
    "shop",
    "recipient",
    "phone",
    "address",
    "note",
)


async def export(
    desk: OrderDesk, deliveries: Deliveries, wanted: OrderFilter, language: str
) -> AsyncIterator[str]:
    """All orders of a filter, newest first; what is paid meanwhile is not among them."""
    yield BYTE_ORDER_MARK + _text([COLUMNS])
    place: Place | None = None
    while found := await desk.search(wanted, place, BATCH):
        labels = await desk.labels(found)
        sent = await deliveries.find([OrderId(record.order.order) for record in found])
        rows = [
            row
            for record in found
            for row in _rows(record, labels, language, sent.get(OrderId(record.order.order)))
        ]
        yield _text(rows)
        last = found[-1].order
        place = Place(confirmed_ms=last.confirmed_ms, order=last.order)


def safe(cell: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    is_formula = cell.lstrip().startswith(FORMULA) or cell[:1] in ("\t", "\r", "\n")
    return f"'{cell}" if is_formula else cell


def _rows(
    record: OrderRecord, labels: Labels, language: str, delivery: Delivery | None
) -> Iterator[tuple[str, ...]]:
    for line, balance in zip(record.order.lines, record.balances(), strict=True):
        yield (
            *_order_cells(record),
            *_line_cells(record, line, balance, labels, language),
            *_delivery_cells(delivery),
        )


def _order_cells(record: OrderRecord) -> tuple[str, ...]:
    paid_at = datetime.fromtimestamp(record.order.confirmed_ms // 1000, UTC).isoformat()
    return (
        record.order.order,
        paid_at,
        record.order_state,
        record.charge_state,
        record.fulfillment_state,
    )


def _line_cells(
    record: OrderRecord, line: OrderLine, balance: LineBalance, labels: Labels, language: str
) -> tuple[str, ...]:
    order = record.order
    sent = [parcel for parcel in record.parcels if any(some.line == line.line for some in parcel.lines)]
    return (
        str(line.line),
        _local(labels.products.get(line.product, {}), language, line.product),
        _local(labels.skus.get(line.sku, {}), language, ""),
        line.sku,
        str(line.qty),
        _amount(line.unit_price_minor, order.currency),
        _amount(line.paid_minor, order.currency),
        _amount(balance.refunded_minor, order.currency),
        order.currency,
        str(balance.shipped),
        safe(" ".join(parcel.carrier for parcel in sent)),
        safe(" ".join(parcel.tracking for parcel in sent)),
        _local(labels.rooms.get(order.room, {}), language, order.room),
        _local(labels.shops.get(order.shop, {}), language, order.shop),
    )


def _delivery_cells(delivery: Delivery | None) -> tuple[str, ...]:
    if delivery is None:
        return ("", "", "", "")
    where, note = delivery.address, safe(delivery.note)
    if where is None:
        return ("", "", "", note)
    parts = (where.country, where.postcode, where.region, where.city, where.district, where.street)
    return (safe(where.name), safe(where.phone), safe(" ".join(filter(None, parts))), note)


def _amount(minor: int, currency: str) -> str:
    return str(Money(minor, currency)).partition(" ")[0]


def _local(text: LocalText, language: str, otherwise: str) -> str:
    return safe(text.get(language) or next(iter(text.values()), otherwise))


def _text(rows: list[tuple[str, ...]]) -> str:
    buffer = StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
