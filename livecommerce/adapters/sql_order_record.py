"""Orders with everything that happened to them: read together, locked by their order's row, written together.

Whoever changes anything of an order holds the lock on its row, so that what is checked stays true until it is
written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import Row, Select, Table, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from livecommerce.adapters.sql_schema import (
    audit,
    orders,
    parcel_updates,
    parcels,
    refunds,
    restocks,
    returns,
)
from livecommerce.adapters.sql_transactions import insert_new
from livecommerce.aftersales.record import (
    LineUnits,
    OrderRecord,
    Parcel,
    ParcelEvent,
    Receipt,
    Refund,
    Return,
)
from livecommerce.aftersales.states import CHARGE, FULFILLMENT, ORDER, turn
from livecommerce.audit import AuditEntry
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import new_id
from livecommerce.orders import ConfirmedOrder

T = TypeVar("T")


async def locked_record(connection: AsyncConnection, order: str) -> OrderRecord:
    """An order, kept for the caller until the transaction ends.

    Raises:
        NotFound: ``order_not_found``.
    """
    found = await read_records(connection, select(orders).where(orders.c.order == order).with_for_update())
    if not found:
        raise NotFound("order_not_found")
    return found[0]


async def read_records(connection: AsyncConnection, query: Select[Any]) -> list[OrderRecord]:
    """The orders of a query over all columns of ``orders``, in its order."""
    rows = (await connection.execute(query)).all()
    wanted = [row.order for row in rows]
    sent = _by_order(await _children(connection, parcels, wanted, parcels.c.shipped_ms))
    back = _by_order(await _children(connection, returns, wanted, returns.c.created_ms))
    paid = _by_order(await _children(connection, refunds, wanted, refunds.c.created_ms))
    stocked = _by_order(await _children(connection, restocks, wanted, restocks.c.at_ms))
    events = await events_of(connection, {(row.shop, row.tracking) for many in sent.values() for row in many})
    return [
        OrderRecord(
            order=msgspec.convert(row.document, ConfirmedOrder),
            order_state=row.order_state,
            charge_state=row.charge_state,
            fulfillment_state=row.fulfillment_state,
            received_ms=row.received_ms,
            receipt_due_ms=row.receipt_due_ms,
            settles_ms=row.settles_ms,
            parcels=tuple(
                replace(row_as(Parcel, one), events=events[one.shop, one.tracking]) for one in sent[row.order]
            ),
            returns=tuple(row_as(Return, one) for one in back[row.order]),
            refunds=tuple(row_as(Refund, one) for one in paid[row.order]),
            restocked=tuple(LineUnits(line=one.line, qty=one.qty) for one in stocked[row.order]),
        )
        for row in rows
    ]


async def events_of(
    connection: AsyncConnection, keys: Iterable[tuple[str, str]]
) -> Mapping[tuple[str, str], tuple[ParcelEvent, ...]]:
    """What carriers told, by shop and tracking number, in the order in which it happened."""
    wanted = list(keys)
    found: dict[tuple[str, str], list[ParcelEvent]] = defaultdict(list)
    if wanted:
        rows = await connection.execute(
            select(parcel_updates)
            .where(tuple_(parcel_updates.c.shop, parcel_updates.c.tracking).in_(wanted))
            .order_by(parcel_updates.c.at_ms, parcel_updates.c.told_ms)
        )
        for row in rows:
            found[row.shop, row.tracking].append(ParcelEvent(state=row.state, at_ms=row.at_ms, text=row.text))
    return defaultdict(tuple, {key: tuple(events) for key, events in found.items()})


async def store(
    connection: AsyncConnection, before: OrderRecord, after: OrderRecord, receipt: Receipt
) -> OrderRecord:
    """Writes what follows for the order itself; answers the order as it is now.

    Raises:
        Conflict: ``wrong_state``, where a change of an axis is not legal.
    """
    axes = after.axes(receipt)
    turn(ORDER, before.order_state, axes.order_state)
    turn(CHARGE, before.charge_state, axes.charge_state)
    turn(FULFILLMENT, before.fulfillment_state, axes.fulfillment_state)
    await connection.execute(
        update(orders)
        .where(orders.c.order == before.order.order)
        .values(refunded_minor=after.refunded_minor, **asdict(axes))
    )
    return replace(after, **asdict(axes))


async def add_once(
    connection: AsyncConnection, table: Table, key: str, values: Mapping[str, Any], wish: msgspec.Struct
) -> bool:
    """Adds what a wish asks for; answers whether it is new.

    Raises:
        Conflict: ``key_reused``: another wish had this key.
    """
    asked = document_of(wish)
    if await insert_new(connection, table, {**values, "wish": asked}):
        return True
    known = await connection.scalar(select(table.c.wish).where(table.c[key] == values[key]))
    if known != asked:
        raise Conflict("key_reused")
    return False


def document_of(wish: msgspec.Struct) -> Any:
    """A wish as the database gives it back, to be compared with."""
    return msgspec.json.decode(msgspec.json.encode(wish))


async def note(
    connection: AsyncConnection,
    actor: str,
    action: str,
    order: str,
    after: Any,
    at_ms: int,
    request: str = "",
) -> None:
    """Writes a deed into the audit trail, in the transaction that does it."""
    entry = AuditEntry(
        id=new_id(),
        at_ms=at_ms,
        actor=actor,
        action=action,
        subject=order,
        after=msgspec.to_builtins(after),
        request=request,
    )
    await connection.execute(audit.insert().values(asdict(entry)))


async def take_turns(connection: AsyncConnection, *names: str) -> None:
    """Lets one transaction at a time go on under these names; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        key = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
        await connection.execute(key, {"name": "\n".join(names)})


async def _children(
    connection: AsyncConnection, table: Table, wanted: Sequence[str], age: Any
) -> list[Row[Any]]:
    if not wanted:
        return []
    query = select(table).where(table.c.order.in_(wanted)).order_by(age, *table.primary_key)
    return list((await connection.execute(query)).all())


def _by_order(rows: Iterable[Row[Any]]) -> Mapping[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.order].append(row)
    return found


def row_as(kind: type[T], row: Row[Any]) -> T:
    """A row as a value; columns that it does not have are left out."""
    # The names are a subclass of ``str`` where SQL has to quote them.
    return msgspec.convert({str(name): value for name, value in row._mapping.items()}, kind)
