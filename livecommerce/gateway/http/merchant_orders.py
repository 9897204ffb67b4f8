"""The merchant's desk: orders of the shops in which a person is a merchant, and what is done with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from livecommerce.accounts import AccountStore, Person
from livecommerce.addresses import Deliveries
from livecommerce.aftersales.desk import TABS, OrderDesk, OrderFilter, Place
from livecommerce.aftersales.record import LineUnits, OrderRecord, Parcel, Refund, Return
from livecommerce.aftersales.wishes import ParcelWish, RefundWish, ReturnRefundWish, Words
from livecommerce.audit import Audit, AuditEntry
from livecommerce.clock import Clock
from livecommerce.errors import Invalid, NotFound
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import answer, query_number, read
from livecommerce.gateway.http.order_view import order_view
from livecommerce.gateway.http.orders_csv import export
from livecommerce.gateway.http.refund_preview import preview_refund, preview_return
from livecommerce.gateway.http.request_trail import request_id
from livecommerce.ids import OrderId, PersonId, is_id
from livecommerce.shop import Shops

PAGE = 30
MAX_PAGE = 100
MAX_WORDS = 80


class Answered(Struct, frozen=True, kw_only=True):
    """What the merchant says to a return."""

    answer: Words = ""


class Restocked(Struct, frozen=True, kw_only=True):
    """Units that go back in stock."""

    lines: tuple[LineUnits, ...]


class MerchantsRefunds(Protocol):
    """A merchant's side of refunds; see ``adapters.sql_refunds``."""

    async def request(
        self, order: OrderId, wish: RefundWish, by: PersonId, now_ms: int, request: str = ""
    ) -> Refund:
        """Gives money back."""
        ...

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

    async def restock(
        self, order: OrderId, units: tuple[LineUnits, ...], by: PersonId, now_ms: int, request: str = ""
    ) -> None:
        """Puts units back in stock."""
        ...


class MerchantsParcels(Protocol):
    """A merchant's side of parcels."""

    async def ship(
        self, order: OrderId, wish: ParcelWish, by: PersonId, now_ms: int, request: str = ""
    ) -> Parcel:
        """Gives units to a carrier."""
        ...


@dataclass(frozen=True)
class Commands:
    """What changes an order."""

    refunds: MerchantsRefunds
    returns: MerchantsReturns
    parcels: MerchantsParcels


@dataclass(frozen=True)
class _Case:
    """An order that somebody may work on."""

    order: OrderId
    record: OrderRecord
    by: PersonId
    request: str
    now_ms: int


class MerchantOrders:
    """``/api/merchant/orders``; an order of another shop is not found rather than forbidden."""

    def __init__(
        self,
        desk: OrderDesk,
        commands: Commands,
        shops: Shops,
        deliveries: Deliveries,
        accounts: AccountStore,
        audit: Audit,
        door: Door,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._do = commands
        self._shops = shops
        self._deliveries = deliveries
        self._accounts = accounts
        self._audit = audit
        self._door = door
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """Its routes."""
        one = "/api/merchant/orders/{order}"
        back = f"{one}/returns/{{return_id}}"
        post = ["POST"]
        return [
            Route("/api/merchant", self._overview, methods=["GET"]),
            Route("/api/merchant/orders", self._list, methods=["GET"]),
            Route("/api/merchant/orders.csv", self._export, methods=["GET"]),
            Route(one, self._show, methods=["GET"]),
            Route(f"{one}/history", self._history, methods=["GET"]),
            Route(f"{one}/parcels", self._ship, methods=post),
            Route(f"{one}/refunds", self._refund, methods=post),
            Route(f"{one}/refunds/preview", self._preview, methods=post),
            Route(f"{one}/restock", self._restock, methods=post),
            Route(f"{back}/approve", self._approve, methods=post),
            Route(f"{back}/decline", self._decline, methods=post),
            Route(f"{back}/receive", self._receive, methods=post),
            Route(f"{back}/refund", self._refund_return, methods=post),
            Route(f"{back}/refund/preview", self._preview_return, methods=post),
        ]

    # ------------------------------------------------------------ looking

    async def _overview(self, request: Request) -> Response:
        person = await self._door.signed_in(request)
        person.require_any("merchant")
        owned = person.shops_as("merchant")
        rooms = await self._desk.rooms(None if person.is_operator else owned)
        names = await self._shops.names_of(owned)
        return answer(
            {
                "shops": [{"shop": shop, "name": names.get(shop, {})} for shop in owned],
                "rooms": [{"room": room, "title": title} for room, title in rooms.items()],
            }
        )

    async def _list(self, request: Request) -> Response:
        wanted = self._filter(request, await self._door.signed_in(request))
        limit = min(max(query_number(request, "limit", PAGE), 1), MAX_PAGE)
        found = await self._desk.search(wanted, _place(request), limit + 1)
        page, now_ms = found[:limit], self._clock()
        labels = await self._desk.labels(page)
        last = page[-1].order if len(found) > limit else None
        return answer(
            {
                "orders": [order_view(record, labels, now_ms) for record in page],
                "next": last and f"{last.confirmed_ms}.{last.order}",
                "counts": await self._desk.counts(wanted),
            }
        )

    async def _export(self, request: Request) -> Response:
        wanted = self._filter(request, await self._door.signed_in(request))
        day = datetime.fromtimestamp(self._clock() / 1000, UTC).date()
        return StreamingResponse(
            export(self._desk, self._deliveries, wanted, request.query_params.get("lang", "zh-CN")),
            media_type="text/csv; charset=utf-8",
            headers={
                "content-disposition": f'attachment; filename="orders-{day}.csv"',
                "cache-control": "no-store",
            },
        )

    async def _show(self, request: Request) -> Response:
        return await self._answer((await self._case(request)).order)

    async def _history(self, request: Request) -> Response:
        case = await self._case(request)
        deeds = await self._audit.of_subject(case.order)
        names = await self._accounts.names_of([deed.actor for deed in deeds])
        return answer({"history": [_deed_view(deed, names) for deed in deeds]})

    async def _preview(self, request: Request) -> Response:
        case, wish = await self._case(request), await read(request, RefundWish)
        return answer(preview_refund(case.record, await self._desk.facts(case.order), wish))

    async def _preview_return(self, request: Request) -> Response:
        case, wish = await self._case(request), await read(request, ReturnRefundWish)
        return_id = request.path_params["return_id"]
        return answer(preview_return(case.record, await self._desk.facts(case.order), return_id, wish))

    # ------------------------------------------------------------ doing

    async def _ship(self, request: Request) -> Response:
        case, wish = await self._case(request), await read(request, ParcelWish)
        await self._do.parcels.ship(case.order, wish, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _refund(self, request: Request) -> Response:
        case, wish = await self._case(request), await read(request, RefundWish)
        await self._do.refunds.request(case.order, wish, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _restock(self, request: Request) -> Response:
        case, units = await self._case(request), (await read(request, Restocked)).lines
        await self._do.returns.restock(case.order, units, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _approve(self, request: Request) -> Response:
        case, said = await self._case(request), (await read(request, Answered)).answer
        return_id = request.path_params["return_id"]
        await self._do.returns.approve(case.order, return_id, said, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _decline(self, request: Request) -> Response:
        case, said = await self._case(request), (await read(request, Answered)).answer
        if not said.strip():
            raise Invalid("reason_required")
        return_id = request.path_params["return_id"]
        await self._do.returns.decline(case.order, return_id, said, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _receive(self, request: Request) -> Response:
        case, return_id = await self._case(request), request.path_params["return_id"]
        await self._do.returns.receive(case.order, return_id, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _refund_return(self, request: Request) -> Response:
        case, wish = await self._case(request), await read(request, ReturnRefundWish)
        return_id = request.path_params["return_id"]
        await self._do.refunds.refund_return(case.order, return_id, wish, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    # ------------------------------------------------------------ whose

    async def _case(self, request: Request) -> _Case:
        person, order = await self._door.signed_in(request), request.path_params["order"]
        record = await self._desk.find(OrderId(order)) if is_id(order) else None
        if record is None or not person.has_role("merchant", record.order.shop):
            raise NotFound("order_not_found")
        return _Case(
            order=OrderId(order),
            record=record,
            by=PersonId(person.person),
            request=request_id(request),
            now_ms=self._clock(),
        )

    async def _answer(self, order: OrderId) -> Response:
        record = await self._desk.find(order)
        if record is None:
            raise NotFound("order_not_found")
        return answer(order_view(record, await self._desk.labels([record]), self._clock()))

    def _filter(self, request: Request, person: Person) -> OrderFilter:
        person.require_any("merchant")
        asked = request.query_params
        tab, shop, room = asked.get("tab", "all"), asked.get("shop", ""), asked.get("room", "")
        if tab not in TABS:
            raise Invalid("bad_request", reason="tab")
        if shop:
            person.require("merchant", shop)
        owned = None if person.is_operator else tuple(person.shops_as("merchant"))
        return OrderFilter(
            shops=(shop,) if shop else owned,
            tab=tab,
            room=room,
            from_ms=_optional(request, "from_ms"),
            to_ms=_optional(request, "to_ms"),
            text=" ".join(asked.get("q", "").split())[:MAX_WORDS],
        )


def _deed_view(deed: AuditEntry, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "at_ms": deed.at_ms,
        "action": deed.action,
        "actor": deed.actor,
        "actor_name": names.get(deed.actor, ""),
        "after": deed.after,
    }


def _optional(request: Request, name: str) -> int | None:
    return query_number(request, name, 0) if name in request.query_params else None


def _place(request: Request) -> Place | None:
    told = request.query_params.get("after")
    if not told:
        return None
    confirmed_ms, _, order = told.partition(".")
    try:
        fields: dict[str, Any] = {"confirmed_ms": confirmed_ms, "order": order}
        return msgspec.convert(fields, Place, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid("bad_request", reason="after") from error
