"""What SQL says about orders and sales, for reconciliation."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct, convert
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_schema import allocations, orders, sql_outbox
from livecommerce.adapters.sql_transactions import reads
from livecommerce.ledger.facts import Fact, UnappliedCapture, UnappliedRefund, UnknownFact, read_fact
from livecommerce.ledger.queue import LetterState
from livecommerce.ledger.reconcile import OrderFigures, UnappliedFigures
from livecommerce.orders import ConfirmedOrder


class LentStock(Struct, frozen=True, kw_only=True):
    """Stock that was lent to a sale."""

    sale: str
    sold: int | None
    """``None`` while the sale is open."""


class SqlFigures:
    """Reads everything; not for hot paths."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def orders(self) -> list[OrderFigures]:
        """All confirmed orders."""
        async with reads(self._engine) as connection:
            rows = await connection.execute(select(orders.c.document, orders.c.refunded_minor))
            return [_figures(convert(row.document, ConfirmedOrder), row.refunded_minor) for row in rows]

    async def unapplied(self) -> list[UnappliedFigures]:
        """All captures that became no order."""
        statement = select(sql_outbox.c.type, sql_outbox.c.document).where(
            sql_outbox.c.type.in_(["payment.refund_due", "payment.refunded"])
        )
        async with reads(self._engine) as connection:
            rows = (await connection.execute(statement)).all()
        facts = [fact for row in rows if (fact := _readable(row.type, row.document)) is not None]
        back = {fact.payment: fact.amount_minor for fact in facts if isinstance(fact, UnappliedRefund)}
        return [
            UnappliedFigures(
                payment=fact.payment,
                transaction=fact.transaction,
                captured_minor=fact.amount_minor,
                refunded_minor=back.get(fact.payment, 0),
            )
            for fact in facts
            if isinstance(fact, UnappliedCapture)
        ]

    async def unbooked(self) -> dict[str, int]:
        """Order, or payment → when its oldest event that is not booked happened."""
        statement = (
            select(sql_outbox.c.key, func.min(sql_outbox.c.at_ms))
            .where(sql_outbox.c.state.in_([LetterState.PENDING, LetterState.DEAD]))
            .group_by(sql_outbox.c.key)
        )
        async with reads(self._engine) as connection:
            return {row[0]: row[1] for row in await connection.execute(statement)}

    async def lent(self) -> list[LentStock]:
        """Every sale that was lent stock."""
        async with reads(self._engine) as connection:
            rows = await connection.execute(select(allocations.c.sale, allocations.c.sold))
            return [LentStock(sale=row.sale, sold=row.sold) for row in rows]


def _readable(kind: str, document: object) -> Fact | None:
    """The fact; what cannot be read is a dead letter and reported as such."""
    try:
        return read_fact(kind, document)
    except UnknownFact:
        return None


def _figures(order: ConfirmedOrder, refunded_minor: int) -> OrderFigures:
    units: Counter[str] = Counter()
    for line in order.lines:
        units[line.sale or order.sale] += line.qty
    return OrderFigures(
        order=order.order,
        transaction=order.charge.payment,
        currency=order.currency,
        units=units,
        paid_minor=order.total_minor,
        refunded_minor=refunded_minor,
    )
