"""Facts of the live system into SQL: journal, orders, what the ledger must know, and stock that came back."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw, Struct
from sqlalchemy import Table, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_campaigns import take_rest_back
from livecommerce.adapters.sql_catalog import take_back
from livecommerce.adapters.sql_connection import is_unfit
from livecommerce.adapters.sql_letters import REFUSED, UNREADABLE
from livecommerce.adapters.sql_loans import take_units_back
from livecommerce.adapters.sql_schema import journal, order_lines, orders, sql_outbox
from livecommerce.adapters.sql_transactions import insert_many_new, insert_new, writes
from livecommerce.errors import NotFound
from livecommerce.fail_points import reach
from livecommerce.ids import CampaignId, OrderId, SaleId
from livecommerce.journal import journal_row
from livecommerce.ledger.facts import UnappliedCapture, UnappliedRefund
from livecommerce.orders import ConfirmedOrder, OrderLine
from livecommerce.outbox import OutboxRecord

Row = dict[str, Any]

_OF_PAYMENTS: dict[str, type[UnappliedCapture | UnappliedRefund]] = {
    "payment.refund_due": UnappliedCapture,
    "payment.refunded": UnappliedRefund,
}
"""Facts of captures that became no order; the ledger is told of them by the payment."""

log = logging.getLogger(__name__)


class ClosedSale(Struct, frozen=True, kw_only=True):
    """What a closed sale sold; the rest goes back."""

    sale: str
    sold: int
    at_ms: int


class ReducedSale(Struct, frozen=True, kw_only=True):
    """Units that left a running sale."""

    sale: str
    operation: str
    units: int
    at_ms: int


class ReturnedBudget(Struct, frozen=True, kw_only=True):
    """What a shard had left of a campaign that is over."""

    campaign: CampaignId
    transfer: str
    amount_minor: int
    at_ms: int


@dataclass(slots=True)
class _Changes:
    """What a batch of facts changes."""

    rows: dict[Table, list[Row]] = field(
        default_factory=lambda: {
            journal: [],
            orders: [],
            order_lines: [],
            sql_outbox: [],
        }  # written in this order
    )
    reduced: list[ReducedSale] = field(default_factory=list)
    closed: list[ClosedSale] = field(default_factory=list)
    returned: list[ReturnedBudget] = field(default_factory=list)


class SqlProjection:
    """Implements ``worker.projector.Projection``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def apply(self, records: Sequence[OutboxRecord]) -> Collection[OrderId]:
        """Applies facts, each once however often it is told; answers which of their orders SQL has.

        They share one transaction. A fact that this version cannot read, or that the database refuses, goes
        to the dead letters, so that it holds up nobody else; its order is not among the answered ones.

        Raises:
            Unavailable: nothing is certain, as the answer to a commit may be lost.
        """
        try:
            return await self._apply(records)
        except (DBAPIError, OverflowError) as error:
            if not is_unfit(error):
                raise
        return [order for record in records for order in await self._apply_alone(record)]

    async def _apply_alone(self, record: OutboxRecord) -> Collection[OrderId]:
        try:
            return await self._apply([record])
        except (DBAPIError, OverflowError) as error:
            if not is_unfit(error):
                raise
            log.error("fact %s is refused by the database: %s", record.id, error)
            refusal = f"{REFUSED}{type(error).__name__}"
        async with writes(self._engine) as connection:
            await insert_new(connection, sql_outbox, _buried_values(record, refusal))
        return []

    async def _apply(self, records: Sequence[OutboxRecord]) -> Collection[OrderId]:
        async with writes(self._engine) as connection:
            await write_facts(connection, await _unseen(connection, records))
            reach("projection.before_commit")
            return await _orders_of(connection, records)


async def write_facts(connection: AsyncConnection, records: Sequence[OutboxRecord]) -> None:
    """Writes what facts change; rows that are there already stay as they are."""
    changes = _changes_of(records)
    for table, rows in changes.rows.items():
        await insert_many_new(connection, table, rows)
    reach("projection.after_rows")
    for reduced in changes.reduced:
        await _take_units_back(connection, reduced)
    for closed in changes.closed:
        await _take_stock_back(connection, closed)
    for rest in changes.returned:
        await take_rest_back(connection, rest.campaign, rest.transfer, rest.amount_minor, rest.at_ms)


async def _unseen(connection: AsyncConnection, records: Sequence[OutboxRecord]) -> list[OutboxRecord]:
    """What the journal does not have: a fact stands there from the transaction that applied it."""
    once = {record.id: record for record in records}
    found = await connection.execute(select(journal.c.id).where(journal.c.id.in_(list(once))))
    seen = set(found.scalars())
    return [record for record in once.values() if record.id not in seen]


async def _orders_of(connection: AsyncConnection, records: Sequence[OutboxRecord]) -> list[OrderId]:
    """The confirmed orders that are in SQL, whether these facts or earlier ones brought them."""
    confirmed = [record.key for record in records if record.type == "order.confirmed"]
    found = await connection.execute(select(orders.c.order).where(orders.c.order.in_(confirmed)))
    return [OrderId(order) for order in found.scalars()]


def _changes_of(records: Sequence[OutboxRecord]) -> _Changes:
    changes = _Changes()
    for record in records:
        changes.rows[journal].append(_journal_values(record))
        try:
            _add_consequences(changes, record)
        except msgspec.DecodeError as error:
            changes.rows[sql_outbox].append(_letter_values(record, f"{UNREADABLE}{error}"))
    return changes


def _add_consequences(changes: _Changes, record: OutboxRecord) -> None:
    if record.type == "order.confirmed":
        order = msgspec.json.decode(record.data, type=ConfirmedOrder)
        changes.rows[orders].append(_order_values(order, record.data))
        changes.rows[order_lines] += [_line_values(order, line) for line in order.lines]
        changes.rows[sql_outbox].append(_letter_values(record))
    elif record.type == "sale.closed":
        changes.closed.append(msgspec.json.decode(record.data, type=ClosedSale))
    elif record.type == "sale.reduced":
        changes.reduced.append(msgspec.json.decode(record.data, type=ReducedSale))
    elif record.type in _OF_PAYMENTS:
        fact = msgspec.json.decode(record.data, type=_OF_PAYMENTS[record.type])
        changes.rows[sql_outbox].append({**_letter_values(record), "key": fact.payment})
    elif record.type == "budget.returned":
        changes.returned.append(msgspec.json.decode(record.data, type=ReturnedBudget))


async def _take_units_back(connection: AsyncConnection, sale: ReducedSale) -> None:
    with suppress(NotFound):
        await take_units_back(connection, SaleId(sale.sale), sale.operation, sale.units, sale.at_ms)


async def _take_stock_back(connection: AsyncConnection, sale: ClosedSale) -> None:
    with suppress(NotFound):  # a sale of stock that SQL never lent has nothing to bring back
        await take_back(connection, SaleId(sale.sale), sale.sold, sale.at_ms)


def _journal_values(record: OutboxRecord) -> Row:
    row = journal_row(record)
    return {**msgspec.structs.asdict(row), "payload": _document(row.payload)}


def _order_values(order: ConfirmedOrder, document: Raw) -> Row:
    return {
        "order": order.order,
        "room": order.room,
        "shop": order.shop,
        "buyer": order.buyer,
        "sale": order.sale,
        "segment": order.segment,
        "brand": order.brand,
        "currency": order.currency,
        "total_minor": order.total_minor,
        "refunded_minor": 0,
        "order_state": "confirmed",
        "charge_state": "full",
        "fulfillment_state": "unfulfilled",
        "document": _document(document),
        "confirmed_ms": order.confirmed_ms,
    }


def _line_values(order: ConfirmedOrder, line: OrderLine) -> Row:
    return {
        "order": order.order,
        "line": line.line,
        "product": line.product,
        "sku": line.sku,
        "qty": line.qty,
    }


def _letter_values(record: OutboxRecord, defect: str | None = None) -> Row:
    return {
        "id": record.id,
        "key": record.key,
        "type": record.type,
        "at_ms": record.at_ms,
        "document": _document(record.data),
        "state": "dead" if defect else "pending",
        "attempts": 0,
        "next_ms": 0,
        "error": defect,
        "leased_until_ms": 0,
    }


def _buried_values(record: OutboxRecord, defect: str) -> Row:
    """A dead letter whose content is kept as text: as values the database may have refused it."""
    document = bytes(record.data).decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return {**_letter_values(record, defect), "document": document}


def _document(data: Raw) -> Any:
    """JSON as values; what is no JSON is kept as text."""
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return bytes(data).decode(errors="replace")
