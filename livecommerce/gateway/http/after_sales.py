"""What a buyer does with a confirmed order: following it, receiving it, sending it back."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.aftersales.desk import OrderDesk
from livecommerce.aftersales.record import Return
from livecommerce.aftersales.wishes import Label, ReturnWish
from livecommerce.clock import Clock
from livecommerce.errors import Conflict, Invalid, NotFound
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, read
from livecommerce.gateway.http.operation import SIGNED_IN, Refusals, Resource
from livecommerce.gateway.http.order_view import OrderView, order_view
from livecommerce.ids import OrderId, PersonId, is_id


class SentBack(Struct, frozen=True, kw_only=True):
    """How the goods of a return travel."""

    carrier: Label
    tracking: Label


class BuyersReturns(Protocol):
    """A buyer's side of returns; see ``adapters.sql_returns``."""

    async def request(self, order: OrderId, buyer: PersonId, wish: ReturnWish, now_ms: int) -> Return:
        """The buyer wants to give units back."""
        ...

    async def withdraw(self, order: OrderId, buyer: PersonId, return_id: str, now_ms: int) -> Return:
        """The buyer keeps them after all."""
        ...

    async def send_back(
        self, order: OrderId, buyer: PersonId, return_id: str, carrier: str, tracking: str, now_ms: int
    ) -> Return:
        """The buyer has sent them."""
        ...


class BuyersReceipts(Protocol):
    """A buyer's side of parcels."""

    async def receive(self, order: OrderId, buyer: PersonId, now_ms: int) -> None:
        """The buyer has everything."""
        ...


class AfterSalesRoutes:
    """``/api/orders/{order}/after-sales``, and what the buyer does there."""

    def __init__(
        self, desk: OrderDesk, returns: BuyersReturns, receipts: BuyersReceipts, door: Door, clock: Clock
    ) -> None:
        self._desk = desk
        self._returns = returns
        self._receipts = receipts
        self._door = door
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """Its routes."""
        api, one = Resource("after-sales", SIGNED_IN), "/api/orders/{order}/returns/{return_id}"
        missing: Refusals = {NotFound: ["order_not_found"]}
        turns: Refusals = {NotFound: ["order_not_found", "return_not_found"], Conflict: ["wrong_state"]}
        return [
            api.operation(
                "GET", "/api/orders/{order}/after-sales", self._show_after_sales, OrderView, refuses=missing
            ),
            api.operation(
                "POST",
                "/api/orders/{order}/receive",
                self._receive_order,
                OrderView,
                refuses={**missing, Conflict: ["not_shipped"]},
            ),
            api.operation(
                "POST",
                "/api/orders/{order}/returns",
                self._ask_back,
                OrderView,
                takes=ReturnWish,
                refuses={
                    **missing,
                    Invalid: ["bad_lines"],
                    Conflict: ["return_window_over", "nothing_to_return", "too_many_units", "key_reused"],
                },
            ),
            api.operation("POST", f"{one}/withdraw", self._withdraw_return, OrderView, refuses=turns),
            api.operation("POST", f"{one}/sent", self._send_back, OrderView, takes=SentBack, refuses=turns),
        ]

    async def _show_after_sales(self, request: Request) -> Answer[OrderView]:
        """A confirmed order with its parcels, returns and refunds."""
        return await self._current(*await self._whose(request))

    async def _receive_order(self, request: Request) -> Answer[OrderView]:
        """The buyer has everything."""
        order, buyer = await self._whose(request)
        await self._receipts.receive(order, buyer, self._clock())
        return await self._current(order, buyer)

    async def _ask_back(self, request: Request) -> Answer[OrderView]:
        """The buyer wants to give units back."""
        order, buyer = await self._whose(request)
        await self._returns.request(order, buyer, await read(request, ReturnWish), self._clock())
        return await self._current(order, buyer)

    async def _withdraw_return(self, request: Request) -> Answer[OrderView]:
        """The buyer keeps them after all."""
        order, buyer = await self._whose(request)
        await self._returns.withdraw(order, buyer, request.path_params["return_id"], self._clock())
        return await self._current(order, buyer)

    async def _send_back(self, request: Request) -> Answer[OrderView]:
        """The buyer has sent them."""
        order, buyer = await self._whose(request)
        sent = await read(request, SentBack)
        return_id = request.path_params["return_id"]
        await self._returns.send_back(order, buyer, return_id, sent.carrier, sent.tracking, self._clock())
        return await self._current(order, buyer)

    async def _whose(self, request: Request) -> tuple[OrderId, PersonId]:
        person = await self._door.signed_in(request)
        order = request.path_params["order"]
        if not is_id(order):
            raise NotFound("order_not_found")
        return OrderId(order), PersonId(person.person)

    async def _current(self, order: OrderId, buyer: PersonId) -> Answer[OrderView]:
        record = await self._desk.find(order)
        if record is None or record.order.buyer != buyer:
            raise NotFound("order_not_found")
        return answer(order_view(record, await self._desk.labels([record]), self._clock()))
