"""Returns on the merchant's desk: taken back or not, received, and paid for."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.aftersales.desk import OrderDesk
from livecommerce.aftersales.record import Refund, Return
from livecommerce.aftersales.wishes import ReturnRefundWish, Words
from livecommerce.errors import Conflict, Invalid, NotFound
from livecommerce.gateway.http.json import Answer, answer, read
from livecommerce.gateway.http.merchant_case import MERCHANT, TOO_MUCH, Cases
from livecommerce.gateway.http.operation import Refusals, Resource
from livecommerce.gateway.http.order_view import OrderView
from livecommerce.gateway.http.refund_preview import Preview, preview_return
from livecommerce.ids import OrderId, PersonId


class Answered(Struct, frozen=True, kw_only=True):
    """What the merchant says to a return."""

    answer: Words = ""


class MerchantsReturns(Protocol):
    """A merchant's side of returns; see ``adapters.sql_returns``."""

    async def approve(
        self, order: OrderId, return_id: str, answer: str, by: PersonId, now_ms: int, request: str = ""
    ) -> Return:
        """Takes the goods back."""
        ...

    async def decline(
        self, order: OrderId, return_id: str, answer: str, by: PersonId, now_ms: int, request: str = ""
    ) -> Return:
        """Does not."""
        ...

    async def receive(
        self, order: OrderId, return_id: str, by: PersonId, now_ms: int, request: str = ""
    ) -> Return:
        """Has the goods."""
        ...


class ReturnRefunds(Protocol):
    """A merchant's side of paying for returns; see ``adapters.sql_refunds``."""

    async def refund_return(
        self,
        order: OrderId,
        return_id: str,
        wish: ReturnRefundWish,
        by: PersonId,
        now_ms: int,
        request: str = "",
    ) -> Refund:
        """Pays for a return."""
        ...


class MerchantReturns:
    """``/api/merchant/orders/{order}/returns/{return_id}``."""

    def __init__(
        self, cases: Cases, desk: OrderDesk, returns: MerchantsReturns, refunds: ReturnRefunds
    ) -> None:
        self._cases = cases
        self._desk = desk
        self._returns = returns
        self._refunds = refunds

    def routes(self) -> list[BaseRoute]:
        """Its routes."""
        api, one = Resource("merchant", MERCHANT), "/api/merchant/orders/{order}/returns/{return_id}"
        turns: Refusals = {NotFound: ["order_not_found", "return_not_found"], Conflict: ["wrong_state"]}
        pays: Refusals = {**turns, Conflict: ["wrong_state", "key_reused", "not_refundable", *TOO_MUCH]}
        return [
            api.operation("POST", f"{one}/approve", self._approve, OrderView, takes=Answered, refuses=turns),
            api.operation(
                "POST",
                f"{one}/decline",
                self._decline,
                OrderView,
                takes=Answered,
                refuses={**turns, Invalid: ["reason_required"]},
            ),
            api.operation("POST", f"{one}/receive", self._receive, OrderView, refuses=turns),
            api.operation(
                "POST", f"{one}/refund", self._refund_return, OrderView, takes=ReturnRefundWish, refuses=pays
            ),
            api.operation(
                "POST",
                f"{one}/refund/preview",
                self._preview_return,
                Preview,
                takes=ReturnRefundWish,
                refuses=pays,
            ),
        ]

    async def _preview_return(self, request: Request) -> Answer[Preview]:
        """What the refund of a return would do; changes nothing."""
        case, wish = await self._cases.find(request), await read(request, ReturnRefundWish)
        return_id = request.path_params["return_id"]
        return answer(preview_return(case.record, await self._desk.facts(case.order), return_id, wish))

    async def _approve(self, request: Request) -> Answer[OrderView]:
        """Takes goods back."""
        case, said = await self._cases.find(request), (await read(request, Answered)).answer
        return_id = request.path_params["return_id"]
        await self._returns.approve(case.order, return_id, said, case.by, case.now_ms, case.request)
        return await self._cases.answer(case.order)

    async def _decline(self, request: Request) -> Answer[OrderView]:
        """Does not take goods back; the buyer is told why."""
        case, said = await self._cases.find(request), (await read(request, Answered)).answer
        if not said.strip():
            raise Invalid("reason_required")
        return_id = request.path_params["return_id"]
        await self._returns.decline(case.order, return_id, said, case.by, case.now_ms, case.request)
        return await self._cases.answer(case.order)

    async def _receive(self, request: Request) -> Answer[OrderView]:
        """Has the goods of a return."""
        case, return_id = await self._cases.find(request), request.path_params["return_id"]
        await self._returns.receive(case.order, return_id, case.by, case.now_ms, case.request)
        return await self._cases.answer(case.order)

    async def _refund_return(self, request: Request) -> Answer[OrderView]:
        """Pays for a return."""
        case, wish = await self._cases.find(request), await read(request, ReturnRefundWish)
        return_id = request.path_params["return_id"]
        await self._refunds.refund_return(case.order, return_id, wish, case.by, case.now_ms, case.request)
        return await self._cases.answer(case.order)
