"""An order as a merchant works on it; an order of another shop is not found rather than forbidden."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from livecommerce.aftersales.desk import OrderDesk
from livecommerce.aftersales.record import OrderRecord
from livecommerce.clock import Clock
from livecommerce.errors import NotFound
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer
from livecommerce.gateway.http.operation import SIGNED_IN, Caller, Refusals
from livecommerce.gateway.http.order_view import OrderView, order_view
from livecommerce.gateway.http.request_trail import request_id
from livecommerce.ids import OrderId, PersonId, is_id

MERCHANT = Caller(
    words="Somebody with the role `merchant` of the shop; to others the order does not exist.",
    schemes=SIGNED_IN.schemes,
    refuses=SIGNED_IN.refuses,
)
MISSING: Refusals = {NotFound: ["order_not_found"]}
TOO_MUCH = ("refund_too_large", "too_many_units", "nothing_to_refund")


@dataclass(frozen=True)
class Case:
    """An order that somebody may work on."""

    order: OrderId
    record: OrderRecord
    by: PersonId
    request: str
    now_ms: int


class Cases:
    """Finds the order of a request, and answers how it is afterwards."""

    def __init__(self, desk: OrderDesk, door: Door, clock: Clock) -> None:
        self._desk = desk
        self._door = door
        self._clock = clock

    async def find(self, request: Request) -> Case:
        """Raises ``NotFound`` for who may not work on it."""
        person, order = await self._door.signed_in(request), request.path_params["order"]
        record = await self._desk.find(OrderId(order)) if is_id(order) else None
        if record is None or not person.has_role("merchant", record.order.shop):
            raise NotFound("order_not_found")
        return Case(
            order=OrderId(order),
            record=record,
            by=PersonId(person.person),
            request=request_id(request),
            now_ms=self._clock(),
        )

    async def answer(self, order: OrderId) -> Answer[OrderView]:
        """The order as it is now."""
        record = await self._desk.find(order)
        if record is None:
            raise NotFound("order_not_found")
        return answer(order_view(record, await self._desk.labels([record]), self._clock()))
