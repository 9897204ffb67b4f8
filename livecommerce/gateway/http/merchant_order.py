"""One order on the merchant's desk: what it is, what was done to it, and what is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.accounts import AccountStore
from livecommerce.aftersales.desk import OrderDesk
from livecommerce.aftersales.record import Parcel, Refund
from livecommerce.aftersales.wishes import ParcelWish, RefundWish, RestockWish
from livecommerce.audit import Audit, AuditEntry
from livecommerce.errors import Conflict, Invalid
from livecommerce.gateway.http.json import Answer, answer, read
from livecommerce.gateway.http.merchant_case import MERCHANT, MISSING, TOO_MUCH, Cases
from livecommerce.gateway.http.operation import Refusals, Resource
from livecommerce.gateway.http.order_view import OrderView
from livecommerce.gateway.http.refund_preview import Preview, preview_refund
from livecommerce.ids import OrderId, PersonId


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


class MerchantsStock(Protocol):
    """A merchant's side of units that came back; see ``adapters.sql_returns``."""

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


class MerchantOrder:
    """``/api/merchant/orders/{order}``."""

    def __init__(
        self,
        cases: Cases,
        desk: OrderDesk,
        parcels: MerchantsParcels,
        refunds: MerchantsRefunds,
        stock: MerchantsStock,
        accounts: AccountStore,
        audit: Audit,
    ) -> None:
        self._cases = cases
        self._desk = desk
        self._parcels = parcels
        self._refunds = refunds
        self._stock = stock
        self._accounts = accounts
        self._audit = audit

    def routes(self) -> list[BaseRoute]:
        """Its routes."""
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

    async def _show(self, request: Request) -> Answer[OrderView]:
        """One order."""
        return await self._cases.answer((await self._cases.find(request)).order)

    async def _history(self, request: Request) -> Answer[OrderHistory]:
        """Who did what to an order."""
        case = await self._cases.find(request)
        deeds = await self._audit.of_subject(case.order)
        names = await self._accounts.names_of([deed.actor for deed in deeds])
        return answer(OrderHistory([_deed_view(deed, names) for deed in deeds]))

    async def _preview(self, request: Request) -> Answer[Preview]:
        """What a refund would do; changes nothing."""
        case, wish = await self._cases.find(request), await read(request, RefundWish)
        return answer(preview_refund(case.record, await self._desk.facts(case.order), wish))

    async def _ship(self, request: Request) -> Answer[OrderView]:
        """Gives units to a carrier."""
        case, wish = await self._cases.find(request), await read(request, ParcelWish)
        await self._parcels.ship(case.order, wish, case.by, case.now_ms, case.request)
        return await self._cases.answer(case.order)

    async def _refund(self, request: Request) -> Answer[OrderView]:
        """Gives money back; asked for again with the same key it happens once."""
        case, wish = await self._cases.find(request), await read(request, RefundWish)
        await self._refunds.request(case.order, wish, case.by, case.now_ms, case.request)
        return await self._cases.answer(case.order)

    async def _restock(self, request: Request) -> Answer[OrderView]:
        """Puts units back in stock."""
        case, wish = await self._cases.find(request), await read(request, RestockWish)
        await self._stock.restock(case.order, wish, case.by, case.now_ms, case.request)
        return await self._cases.answer(case.order)


def _deed_view(deed: AuditEntry, names: Mapping[str, str]) -> Deed:
    return Deed(
        at_ms=deed.at_ms,
        action=deed.action,
        actor=deed.actor,
        actor_name=names.get(deed.actor, ""),
        after=deed.after,
    )
