"""Refunds of confirmed orders in SQL: asked for, leased to whoever talks with the provider, and booked.

A refund, what it changes of its order, and the letter to the ledger are one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from livecommerce.adapters.sql_letters import tell
from livecommerce.adapters.sql_order_record import add_once, document_of, locked_record, note, row_as, store
from livecommerce.adapters.sql_restock import put_back
from livecommerce.adapters.sql_schema import refunds, returns
from livecommerce.adapters.sql_transactions import reads, writes
from livecommerce.aftersales.record import OrderRecord, Receipt, Refund, RefundLine
from livecommerce.aftersales.refund import plan_refund, plan_return_refund, total
from livecommerce.aftersales.refund_desk import OutgoingRefund
from livecommerce.aftersales.returns import find_return
from livecommerce.aftersales.states import OPEN_REFUNDS, REFUND, RETURN
from livecommerce.aftersales.wishes import RefundWish, ReturnRefundWish
from livecommerce.errors import Conflict, NotFound
from livecommerce.fail_points import reach
from livecommerce.ids import UNSHARDED, OrderId, PersonId, named_id
from livecommerce.ledger import facts

_FIRST_PAUSE_MS = 5_000
_LONGEST_PAUSE_MS = 300_000


class _Ask(Struct, frozen=True, kw_only=True):
    """A refund that somebody asks for."""

    key: str
    cause: str
    lines: tuple[RefundLine, ...]
    reason: str
    by: str
    restock: bool = False
    return_id: str | None = None


class SqlRefunds:
    """Implements ``refund_desk.RefundBook``, and what merchants and buyers ask for.

    Every method raises ``Unavailable`` while SQL is away, ``NotFound`` for an order that is not there.
    """

    def __init__(self, engine: AsyncEngine, receipt: Receipt) -> None:
        self._engine = engine
        self._receipt = receipt

    # ------------------------------------------------------------ asking

    async def request(
        self, order: OrderId, wish: RefundWish, by: PersonId, now_ms: int, request: str = ""
    ) -> Refund:
        """The merchant gives money back; the same key again is the same refund.

        Raises:
            Conflict: ``refund_too_large``, ``too_many_units``, ``key_reused``, ``not_refundable``.
            Invalid: ``nothing_to_refund``, ``bad_request``.
        """
        async with writes(self._engine) as connection:
            before = await locked_record(connection, order)
            known = await _known(connection, order, wish.key, wish)
            if known is not None:
                return known
            ask = _Ask(
                key=wish.key,
                cause="merchant",
                lines=plan_refund(before, wish),
                reason=wish.reason,
                by=by,
                restock=wish.restock,
            )
            refund = await self._add(connection, before, ask, wish, now_ms)
            await note(connection, by, "order.refund", order, refund, now_ms, request)
            reach("refund.before_request_commit")
        reach("refund.after_request")
        return refund

    async def cancel(self, order: OrderId, buyer: PersonId, now_ms: int) -> Refund:
        """The buyer takes an order back that was not shipped: it ends, and all its money goes back.

        Raises:
            Conflict: ``already_shipped``, ``order_not_open``.
        """
        wish = RefundWish(key="cancel")
        async with writes(self._engine) as connection:
            before = await locked_record(connection, order)
            if before.order.buyer != buyer:
                raise NotFound("order_not_found")
            known = await _known(connection, order, wish.key, wish)
            if known is not None:
                return known
            if before.order_state != "confirmed" or before.left_minor == 0:
                raise Conflict("order_not_open", state=before.order_state)
            if before.parcels:
                raise Conflict("already_shipped")
            ask = _Ask(key=wish.key, cause="cancel", lines=plan_refund(before, wish), reason="", by=buyer)
            canceled = replace(before, order_state="canceled")
            refund = await self._add(connection, before, ask, wish, now_ms, canceled)
            await note(connection, buyer, "order.cancel", order, refund, now_ms)
            reach("refund.before_request_commit")
        reach("refund.after_request")
        return refund

    async def refund_return(
        self,
        order: OrderId,
        return_id: str,
        wish: ReturnRefundWish,
        by: PersonId,
        now_ms: int,
        request: str = "",
    ) -> Refund:
        """The merchant has the goods of a return and pays for them.

        Raises:
            Conflict: ``wrong_state``, ``refund_too_large``, ``nothing_to_refund``, ``key_reused``.
        """
        async with writes(self._engine) as connection:
            before = await locked_record(connection, order)
            back = find_return(before, return_id)
            known = await _known(connection, order, wish.key, wish)
            if known is not None:
                return known
            if back.state != "received":
                raise Conflict("wrong_state", state=back.state)
            ask = _Ask(
                key=wish.key,
                cause="return",
                lines=plan_return_refund(before, back, wish),
                reason=back.reason,
                by=by,
                restock=wish.restock,
                return_id=return_id,
            )
            turned = replace(back, state="refunding", refund=_id(order, wish.key))
            refund = await self._add(connection, before, ask, wish, now_ms, before.with_return(turned))
            await _turn_return(connection, return_id, "refunding", refund=refund.refund)
            await note(connection, by, "return.refund", order, refund, now_ms, request)
            reach("refund.before_request_commit")
        reach("refund.after_request")
        return refund

    async def _add(
        self,
        connection: AsyncConnection,
        before: OrderRecord,
        ask: _Ask,
        wish: Struct,
        now_ms: int,
        changed: OrderRecord | None = None,
    ) -> Refund:
        order = before.order
        if not order.charge.attempt:
            raise Conflict("not_refundable")
        refund = Refund(
            refund=_id(order.order, ask.key),
            order=order.order,
            state="requested",
            cause=ask.cause,
            amount_minor=total(ask.lines),
            currency=order.currency,
            reason=ask.reason,
            lines=ask.lines,
            restock=ask.restock,
            return_id=ask.return_id,
            requested_by=ask.by,
            created_ms=now_ms,
        )
        row = {
            **msgspec.to_builtins(refund),
            "payment": order.charge.attempt,
            "provider": order.charge.provider,
            "tries": 0,
            "next_ms": now_ms,
        }
        await add_once(connection, refunds, "refund", row, wish)
        after = (changed or before).with_refund(refund)
        await store(connection, before, after, self._receipt)
        return refund

    # ------------------------------------------------------------ talking with the provider

    async def due(self, provider: str, count: int, now_ms: int) -> Sequence[OutgoingRefund]:
        """Refunds that the provider should be asked for, or about, now; leased to the caller."""
        async with writes(self._engine) as connection:
            found = await connection.execute(
                select(refunds)
                .where(
                    refunds.c.state.in_(OPEN_REFUNDS),
                    refunds.c.next_ms <= now_ms,
                    refunds.c.provider == provider,
                )
                .order_by(refunds.c.next_ms)
                .limit(count)
                .with_for_update(skip_locked=True)
            )
            leased = found.all()
            for row in leased:
                pause = min(_FIRST_PAUSE_MS << min(row.tries, 10), _LONGEST_PAUSE_MS)
                await connection.execute(
                    update(refunds)
                    .where(refunds.c.refund == row.refund)
                    .values(tries=row.tries + 1, next_ms=now_ms + pause)
                )
        return [_outgoing(row) for row in leased]

    async def find(self, refund: str) -> OutgoingRefund | None:
        """A refund as the provider knows it, or ``None``."""
        async with reads(self._engine) as connection:
            row = (await connection.execute(select(refunds).where(refunds.c.refund == refund))).one_or_none()
        return None if row is None else _outgoing(row)

    async def sent(self, refund: str, provider_refund: str, now_ms: int) -> None:
        """The provider has taken it on; whether the money arrives is not known yet."""
        await self._conclude(refund, "sent", now_ms, provider_refund=provider_refund, sent_ms=now_ms)

    async def done(self, refund: str, provider_refund: str, now_ms: int) -> None:
        """The money has gone back: the order and the ledger learn of it, once."""
        await self._conclude(refund, "done", now_ms, provider_refund=provider_refund, done_ms=now_ms)

    async def failed(self, refund: str, error: str, now_ms: int) -> None:
        """The provider will not give it; its money and units can be asked for again."""
        await self._conclude(refund, "failed", now_ms, error=error, done_ms=now_ms)

    async def _conclude(self, refund: str, state: str, now_ms: int, **values: Any) -> None:
        async with writes(self._engine) as connection:
            order = await connection.scalar(select(refunds.c.order).where(refunds.c.refund == refund))
            if order is None:
                raise NotFound("refund_not_found")
            before = await locked_record(connection, order)
            (old,) = (one for one in before.refunds if one.refund == refund)
            if old.state == state or state not in REFUND[old.state]:
                return  # told before, or overtaken by a later word
            new = replace(old, state=state, **values)
            await connection.execute(
                update(refunds).where(refunds.c.refund == refund).values(state=state, **values)
            )
            after = before.with_refund(new)
            if state == "done" and after.is_overdrawn:
                raise Conflict("refund_too_large", left_minor=before.left_minor)
            if state != "sent":
                after = await _conclude_return(connection, after, new)
            if state == "done":
                await _book(connection, new, now_ms)
            after = await store(connection, before, after, self._receipt)
            if state == "done" and new.restock:
                units = {line.line: line.qty for line in new.lines}
                await put_back(connection, after, units, now_ms, f"refund:{refund}")
            reach("refunds.before_commit")
        reach("refunds.after_commit")


def _id(order: str, key: str) -> str:
    return named_id(UNSHARDED, "refund", order, key)


async def _known(connection: AsyncConnection, order: str, key: str, wish: Struct) -> Refund | None:
    """The refund that this wish has led to before.

    Raises:
        Conflict: ``key_reused``.
    """
    query = select(refunds).where(refunds.c.refund == _id(order, key))
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    if row.wish != document_of(wish):
        raise Conflict("key_reused")
    return row_as(Refund, row)


async def _conclude_return(connection: AsyncConnection, record: OrderRecord, refund: Refund) -> OrderRecord:
    """The return that a refund belongs to ends with it, or waits for another refund."""
    if refund.return_id is None:
        return record
    back = find_return(record, refund.return_id)
    if back.refund != refund.refund and refund.state == "failed":
        return record  # the merchant has asked for another one meanwhile
    state = "refunded" if refund.state == "done" else "received"
    if state not in RETURN[back.state]:
        return record
    await _turn_return(connection, back.return_id, state)
    return record.with_return(replace(back, state=state))


async def _turn_return(connection: AsyncConnection, return_id: str, state: str, **values: Any) -> None:
    await connection.execute(
        update(returns).where(returns.c.return_id == return_id).values(state=state, **values)
    )


async def _book(connection: AsyncConnection, refund: Refund, now_ms: int) -> None:
    fact = facts.Refund(
        order=refund.order,
        refund=refund.refund,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        reason=refund.reason or refund.cause,
        at_ms=now_ms,
        provider_refund=refund.provider_refund,
    )
    await tell(connection, f"order.refunded:{refund.refund}", "order.refunded", fact)


def _outgoing(row: Row[Any]) -> OutgoingRefund:
    return OutgoingRefund(
        refund=row.refund,
        payment=row.payment,
        state=row.state,
        amount_minor=row.amount_minor,
        currency=row.currency,
        reason=row.reason or row.cause,
    )
