"""What a buyer does with a confirmed order: following it, receiving it, sending it back."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.aftersales.desk import OrderDesk
from livecommerce.aftersales.record import Return
from livecommerce.aftersales.wishes import Label, ReturnWish
from livecommerce.clock import Clock
from livecommerce.errors import NotFound
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import answer, read
from livecommerce.gateway.http.order_view import order_view
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
        one = "/api/orders/{order}/returns/{return_id}"
        return [
            Route("/api/orders/{order}/after-sales", self._show, methods=["GET"]),
            Route("/api/orders/{order}/receive", self._receive, methods=["POST"]),
            Route("/api/orders/{order}/returns", self._ask_back, methods=["POST"]),
            Route(f"{one}/withdraw", self._withdraw, methods=["POST"]),
            Route(f"{one}/sent", self._send_back, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        return await self._current(*await self._whose(request))

    async def _receive(self, request: Request) -> Response:
        order, buyer = await self._whose(request)
        await self._receipts.receive(order, buyer, self._clock())
        return await self._current(order, buyer)

    async def _ask_back(self, request: Request) -> Response:
        order, buyer = await self._whose(request)
        await self._returns.request(order, buyer, await read(request, ReturnWish), self._clock())
        return await self._current(order, buyer)

    async def _withdraw(self, request: Request) -> Response:
        order, buyer = await self._whose(request)
        await self._returns.withdraw(order, buyer, request.path_params["return_id"], self._clock())
        return await self._current(order, buyer)

    async def _send_back(self, request: Request) -> Response:
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

    async def _current(self, order: OrderId, buyer: PersonId) -> Response:
        record = await self._desk.find(order)
        if record is None or record.order.buyer != buyer:
            raise NotFound("order_not_found")
        return answer(order_view(record, await self._desk.labels([record]), self._clock()))
