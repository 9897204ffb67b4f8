"""Returns in SQL: asked for by buyers, answered by merchants."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_order_record import add_once, locked_record, note, store
from livecommerce.adapters.sql_restock import put_back, was_put_back
from livecommerce.adapters.sql_schema import returns
from livecommerce.adapters.sql_transactions import writes
from livecommerce.aftersales.record import Receipt, Return
from livecommerce.aftersales.returns import find_return, plan_return
from livecommerce.aftersales.states import RETURN, turn
from livecommerce.aftersales.wishes import RestockWish, ReturnWish
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import UNSHARDED, OrderId, PersonId, named_id


class SqlReturns:
    """Every method raises ``Unavailable`` while SQL is away, ``NotFound`` for what is not there.

    A step that was done before changes nothing; one that the state does not allow is ``wrong_state``.
    """

    def __init__(self, engine: AsyncEngine, receipt: Receipt) -> None:
        self._engine = engine
        self._receipt = receipt

    async def request(self, order: OrderId, buyer: PersonId, wish: ReturnWish, now_ms: int) -> Return:
        """The buyer wants to give units back; the same key again is the same return.

        Raises:
            Conflict: ``return_window_over``, ``nothing_to_return``, ``too_many_units``, ``key_reused``.
            Invalid: ``bad_request``.
        """
        return_id = named_id(UNSHARDED, "return", order, wish.key)
        async with writes(self._engine) as connection:
            before = await locked_record(connection, order)
            if before.order.buyer != buyer:
                raise NotFound("order_not_found")
            known = {one.return_id: one for one in before.returns}.get(return_id)
            fresh = Return(
                return_id=return_id,
                order=order,
                state="requested",
                reason=wish.reason,
                note=wish.note,
                lines=plan_return(before, wish, now_ms) if known is None else known.lines,
                created_ms=now_ms,
            )
            if not await add_once(connection, returns, "return_id", msgspec.to_builtins(fresh), wish):
                assert known is not None  # noqa: S101 - its row is there, and the order is locked
                return known
            await store(connection, before, before.with_return(fresh), self._receipt)
            await note(connection, buyer, "return.request", order, fresh, now_ms)
        return fresh

    async def withdraw(self, order: OrderId, buyer: PersonId, return_id: str, now_ms: int) -> Return:
        """The buyer keeps the goods after all."""
        return await self._turn(order, return_id, "canceled", buyer, now_ms, buyer=buyer)

    async def send_back(
        self, order: OrderId, buyer: PersonId, return_id: str, carrier: str, tracking: str, now_ms: int
    ) -> Return:
        """The buyer has sent the goods."""
        return await self._turn(
            order, return_id, "sent_back", buyer, now_ms, buyer=buyer, carrier=carrier, tracking=tracking
        )

    async def approve(
        self, order: OrderId, return_id: str, answer: str, by: PersonId, now_ms: int, request: str = ""
    ) -> Return:
        """The merchant takes the goods back."""
        return await self._turn(
            order, return_id, "approved", by, now_ms, request=request, answer=answer, decided_ms=now_ms
        )

    async def decline(
        self, order: OrderId, return_id: str, answer: str, by: PersonId, now_ms: int, request: str = ""
    ) -> Return:
        """The merchant does not, and says why."""
        return await self._turn(
            order, return_id, "declined", by, now_ms, request=request, answer=answer, decided_ms=now_ms
        )

    async def receive(
        self, order: OrderId, return_id: str, by: PersonId, now_ms: int, request: str = ""
    ) -> Return:
        """The goods are with the merchant."""
        return await self._turn(order, return_id, "received", by, now_ms, request=request, received_ms=now_ms)

    async def restock(
        self, order: OrderId, wish: RestockWish, by: PersonId, now_ms: int, request: str = ""
    ) -> None:
        """The merchant puts units back in stock that came back, or that were refunded and never shipped.

        The same key again puts nothing more back.

        Raises:
            Conflict: ``too_many_units``, ``key_reused``.
        """
        cause, wanted = f"merchant:{wish.key}", {some.line: some.qty for some in wish.lines}
        async with writes(self._engine) as connection:
            record = await locked_record(connection, order)
            earlier = await was_put_back(connection, record, cause)
            if earlier:
                if earlier != wanted:
                    raise Conflict("key_reused")
                return
            done = await put_back(connection, record, wanted, now_ms, cause)
            if done != wanted:
                raise Conflict("too_many_units", left=sum(done.values()))
            await note(connection, by, "order.restock", order, wish.lines, now_ms, request)

    async def _turn(
        self,
        order: OrderId,
        return_id: str,
        state: str,
        by: str,
        now_ms: int,
        *,
        buyer: str | None = None,
        request: str = "",
        **values: Any,
    ) -> Return:
        async with writes(self._engine) as connection:
            before = await locked_record(connection, order)
            if buyer is not None and before.order.buyer != buyer:
                raise NotFound("order_not_found")
            old = find_return(before, return_id)
            if old.state == state:
                return old
            if state == "received" and old.state == "refunding":
                raise Conflict("wrong_state", state=old.state)  # only a refund that failed leads back
            new = replace(old, state=turn(RETURN, old.state, state), **values)
            await connection.execute(
                update(returns).where(returns.c.return_id == return_id).values(state=state, **values)
            )
            await store(connection, before, before.with_return(new), self._receipt)
            after = {"return_id": return_id, **{name: asdict(new)[name] for name in ("state", *values)}}
            await note(connection, by, f"return.{state}", order, after, now_ms, request)
        return new
