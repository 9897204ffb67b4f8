"""The merchant's desk: orders of the shops in which a person is a merchant, and what is done with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from livecommerce.accounts import AccountStore, Person
from livecommerce.addresses import Deliveries
from livecommerce.aftersales.desk import OrderDesk, OrderFilter, Place
from livecommerce.aftersales.record import OrderRecord, Parcel, Refund, Return
from livecommerce.aftersales.wishes import ParcelWish, RefundWish, RestockWish, ReturnRefundWish, Words
from livecommerce.audit import Audit, AuditEntry
from livecommerce.clock import Clock, TimeMs
from livecommerce.errors import Conflict, Invalid, NotFound
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, query, read
from livecommerce.gateway.http.operation import SIGNED_IN, Caller, MediaType, Refusals, Resource, in_role
from livecommerce.gateway.http.order_view import OrderView, order_view
from livecommerce.gateway.http.orders_csv import export
from livecommerce.gateway.http.refund_preview import Preview, preview_refund, preview_return
from livecommerce.gateway.http.request_trail import request_id
from livecommerce.ids import OrderId, PersonId, is_id
from livecommerce.localized import LocalText
from livecommerce.shop import Shops

PAGE = 30
MAX_PAGE = 100
MAX_WORDS = 80
CSV = MediaType("text/csv")


class Answered(Struct, frozen=True, kw_only=True):
    """What the merchant says to a return."""

    answer: Words = ""


class Search(Struct, frozen=True, kw_only=True):
    """Which orders; everything that is given must be true of them."""

    tab: Literal["all", "to_ship", "on_the_way", "returns", "refunds", "completed", "canceled"] = "all"
    shop: Annotated[str, Meta(max_length=32)] = ""
    """Empty: all those of the merchant."""
    room: Annotated[str, Meta(max_length=32)] = ""
    from_ms: TimeMs | None = None
    to_ms: TimeMs | None = None
    q: Annotated[str, Meta(max_length=4 * MAX_WORDS)] = ""
    """The beginning of an order's number, a tracking number, or part of a product's title."""


class PagedSearch(Search, frozen=True, kw_only=True):
    """Which orders, and how many."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = PAGE
    after: Annotated[str, Meta(pattern=r"^([0-9]{1,15}\.[0-9A-Za-z_-]{1,32})?$")] = ""
    """The ``next`` of the page before."""


class ExportSearch(Search, frozen=True, kw_only=True):
    """Which orders, and in which language."""

    lang: Annotated[str, Meta(max_length=35)] = "zh-CN"


class NamedShop(Struct, frozen=True, kw_only=True):
    """A shop and what it is called."""

    shop: str
    name: LocalText


class NamedRoom(Struct, frozen=True, kw_only=True):
    """A room and what it is called."""

    room: str
    title: LocalText


class MerchantView(Struct, frozen=True, kw_only=True):
    """What a merchant can choose from."""

    shops: list[NamedShop]
    rooms: list[NamedRoom]
    """Rooms that have sold goods of these shops, the last first."""


class OrderPage(Struct, frozen=True, kw_only=True):
    """Some orders, newest first."""

    orders: list[OrderView]
    next: str | None
    """The next page's ``after``; null where there is none."""
    counts: dict[str, int]
    """How many orders stand under each tab."""


class Deed(Struct, frozen=True, kw_only=True):
    """What somebody did to an order."""

    at_ms: int
    action: str
    actor: str
    actor_name: str
    """Empty where the actor is no person, or has no account here."""
    after: Any


class OrderHistory(Struct, frozen=True):
    """What was done to an order, newest first."""

    history: list[Deed]


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
        self, order: OrderId, wish: RestockWish, by: PersonId, now_ms: int, request: str = ""
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


MERCHANT = Caller(
    words="Somebody with the role `merchant` of the shop; to others the order does not exist.",
    schemes=SIGNED_IN.schemes,
    refuses=SIGNED_IN.refuses,
)
MISSING: Refusals = {NotFound: ["order_not_found"]}
TOO_MUCH = ("refund_too_large", "too_many_units", "nothing_to_refund")


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
        return [*self._lists(), *self._order_commands(), *self._return_commands()]

    def _lists(self) -> list[BaseRoute]:
        api, orders = Resource("merchant", in_role("merchant")), "/api/merchant/orders"
        return [
            api.operation("GET", "/api/merchant", self._overview, MerchantView),
            api.operation("GET", orders, self._list, OrderPage, query=PagedSearch),
            api.operation("GET", f"{orders}.csv", self._export, CSV, query=ExportSearch),
        ]

    def _order_commands(self) -> list[BaseRoute]:
        api, one = Resource("merchant", MERCHANT), "/api/merchant/orders/{order}"
        pays: Refusals = {Invalid: ["nothing_to_refund", "bad_lines"], Conflict: TOO_MUCH}
        return [
            api.operation("GET", one, self._show, OrderView, refuses=MISSING),
            api.operation("GET", f"{one}/history", self._history, OrderHistory, refuses=MISSING),
            api.operation(
                "POST",
                f"{one}/parcels",
                self._ship,
                OrderView,
                takes=ParcelWish,
                refuses={
                    **MISSING,
                    Invalid: ["bad_lines"],
                    Conflict: ["order_not_open", "nothing_to_ship", "too_many_units", "key_reused"],
                },
            ),
            api.operation(
                "POST",
                f"{one}/refunds",
                self._refund,
                OrderView,
                takes=RefundWish,
                refuses={**MISSING, **pays, Conflict: [*TOO_MUCH, "key_reused", "not_refundable"]},
            ),
            api.operation(
                "POST",
                f"{one}/refunds/preview",
                self._preview,
                Preview,
                takes=RefundWish,
                refuses={**MISSING, **pays},
            ),
            api.operation(
                "POST",
                f"{one}/restock",
                self._restock,
                OrderView,
                takes=RestockWish,
                refuses={**MISSING, Conflict: ["key_reused", "too_many_units"]},
            ),
        ]

    def _return_commands(self) -> list[BaseRoute]:
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

    # ------------------------------------------------------------ looking

    async def _overview(self, request: Request) -> Answer[MerchantView]:
        """The merchant's shops, and the rooms that sell for them."""
        person = await self._door.signed_in(request)
        person.require_any("merchant")
        owned = person.shops_as("merchant")
        rooms = await self._desk.rooms(None if person.is_operator else owned)
        names = await self._shops.names_of(owned)
        return answer(
            MerchantView(
                shops=[NamedShop(shop=shop, name=names.get(shop, {})) for shop in owned],
                rooms=[NamedRoom(room=room, title=title) for room, title in rooms.items()],
            )
        )

    async def _list(self, request: Request) -> Answer[OrderPage]:
        """Orders of the merchant's shops, page by page; operators see those of all shops."""
        person = await self._door.signed_in(request)
        asked = query(request, PagedSearch)
        wanted = _filter(asked, person)
        found = await self._desk.search(wanted, _place(asked.after), asked.limit + 1)
        page, now_ms = found[: asked.limit], self._clock()
        labels = await self._desk.labels(page)
        last = page[-1].order if len(found) > asked.limit else None
        return answer(
            OrderPage(
                orders=[order_view(record, labels, now_ms) for record in page],
                next=f"{last.confirmed_ms}.{last.order}" if last else None,
                counts=await self._desk.counts(wanted),
            )
        )

    async def _export(self, request: Request) -> Response:
        """The same orders as a file for spreadsheets, a row a line."""
        person = await self._door.signed_in(request)
        asked = query(request, ExportSearch)
        wanted = _filter(asked, person)
        day = datetime.fromtimestamp(self._clock() / 1000, UTC).date()
        return StreamingResponse(
            export(self._desk, self._deliveries, wanted, asked.lang),
            media_type="text/csv; charset=utf-8",
            headers={
                "content-disposition": f'attachment; filename="orders-{day}.csv"',
                "cache-control": "no-store",
            },
        )

    async def _show(self, request: Request) -> Answer[OrderView]:
        """One order."""
        return await self._answer((await self._case(request)).order)

    async def _history(self, request: Request) -> Answer[OrderHistory]:
        """Who did what to an order."""
        case = await self._case(request)
        deeds = await self._audit.of_subject(case.order)
        names = await self._accounts.names_of([deed.actor for deed in deeds])
        return answer(OrderHistory([_deed_view(deed, names) for deed in deeds]))

    async def _preview(self, request: Request) -> Answer[Preview]:
        """What a refund would do; changes nothing."""
        case, wish = await self._case(request), await read(request, RefundWish)
        return answer(preview_refund(case.record, await self._desk.facts(case.order), wish))

    async def _preview_return(self, request: Request) -> Answer[Preview]:
        """What the refund of a return would do; changes nothing."""
        case, wish = await self._case(request), await read(request, ReturnRefundWish)
        return_id = request.path_params["return_id"]
        return answer(preview_return(case.record, await self._desk.facts(case.order), return_id, wish))

    # ------------------------------------------------------------ doing

    async def _ship(self, request: Request) -> Answer[OrderView]:
        """Gives units to a carrier."""
        case, wish = await self._case(request), await read(request, ParcelWish)
        await self._do.parcels.ship(case.order, wish, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _refund(self, request: Request) -> Answer[OrderView]:
        """Gives money back; asked for again with the same key it happens once."""
        case, wish = await self._case(request), await read(request, RefundWish)
        await self._do.refunds.request(case.order, wish, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _restock(self, request: Request) -> Answer[OrderView]:
        """Puts units back in stock."""
        case, wish = await self._case(request), await read(request, RestockWish)
        await self._do.returns.restock(case.order, wish, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _approve(self, request: Request) -> Answer[OrderView]:
        """Takes goods back."""
        case, said = await self._case(request), (await read(request, Answered)).answer
        return_id = request.path_params["return_id"]
        await self._do.returns.approve(case.order, return_id, said, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _decline(self, request: Request) -> Answer[OrderView]:
        """Does not take goods back; the buyer is told why."""
        case, said = await self._case(request), (await read(request, Answered)).answer
        if not said.strip():
            raise Invalid("reason_required")
        return_id = request.path_params["return_id"]
        await self._do.returns.decline(case.order, return_id, said, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _receive(self, request: Request) -> Answer[OrderView]:
        """Has the goods of a return."""
        case, return_id = await self._case(request), request.path_params["return_id"]
        await self._do.returns.receive(case.order, return_id, case.by, case.now_ms, case.request)
        return await self._answer(case.order)

    async def _refund_return(self, request: Request) -> Answer[OrderView]:
        """Pays for a return."""
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

    async def _answer(self, order: OrderId) -> Answer[OrderView]:
        record = await self._desk.find(order)
        if record is None:
            raise NotFound("order_not_found")
        return answer(order_view(record, await self._desk.labels([record]), self._clock()))


def _filter(asked: Search, person: Person) -> OrderFilter:
    person.require_any("merchant")
    if asked.shop:
        person.require("merchant", asked.shop)
    owned = None if person.is_operator else tuple(person.shops_as("merchant"))
    return OrderFilter(
        shops=(asked.shop,) if asked.shop else owned,
        tab=asked.tab,
        room=asked.room,
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        text=" ".join(asked.q.split())[:MAX_WORDS],
    )


def _deed_view(deed: AuditEntry, names: Mapping[str, str]) -> Deed:
    return Deed(
        at_ms=deed.at_ms,
        action=deed.action,
        actor=deed.actor,
        actor_name=names.get(deed.actor, ""),
        after=deed.after,
    )


def _place(told: str) -> Place | None:
    if not told:
        return None
    confirmed_ms, _, order = told.partition(".")
    return Place(confirmed_ms=int(confirmed_ms), order=order)
