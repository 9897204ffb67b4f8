"""The merchant's desk: the orders of the shops in which a person is a merchant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from livecommerce.accounts import Person
from livecommerce.addresses import Deliveries
from livecommerce.aftersales.desk import OrderDesk, OrderFilter, Place
from livecommerce.clock import Clock, TimeMs
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, query
from livecommerce.gateway.http.operation import MediaType, Resource, in_role
from livecommerce.gateway.http.order_view import OrderView, order_view
from livecommerce.gateway.http.orders_csv import export
from livecommerce.localized import LocalText
from livecommerce.shop import Shops

PAGE = 30
MAX_PAGE = 100
MAX_WORDS = 80
CSV = MediaType("text/csv")


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


class MerchantOrders:
    """``/api/merchant/orders``."""

    def __init__(
        self, desk: OrderDesk, shops: Shops, deliveries: Deliveries, door: Door, clock: Clock
    ) -> None:
        self._desk = desk
        self._shops = shops
        self._deliveries = deliveries
        self._door = door
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """Its routes."""
        api, orders = Resource("merchant", in_role("merchant")), "/api/merchant/orders"
        return [
            api.operation("GET", "/api/merchant", self._overview, MerchantView),
            api.operation("GET", orders, self._list, OrderPage, query=PagedSearch),
            api.operation("GET", f"{orders}.csv", self._export, CSV, query=ExportSearch),
        ]

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


def _place(told: str) -> Place | None:
    if not told:
        return None
    confirmed_ms, _, order = told.partition(".")
    return Place(confirmed_ms=int(confirmed_ms), order=order)
