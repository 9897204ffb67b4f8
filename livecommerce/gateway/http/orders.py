"""A buyer's orders: live ones, and those that SQL owns."""

from __future__ import annotations

from typing import Annotated, Protocol

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.addresses import MAX_NOTE, DeliveryDesk
from livecommerce.clock import Clock
from livecommerce.errors import Conflict, Invalid, NotFound, Unavailable
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, read
from livecommerce.gateway.http.operation import SIGNED_IN, Refusals, Resource
from livecommerce.ids import OrderId, PersonId, is_id
from livecommerce.orders import GivenBack, Names, OpenOrders, OrderCard, OrderRow, OrderStore, row_of
from livecommerce.payment import Cashier

ENDED = ("released", "expired")
"""States of a live order that no sale came of."""


class PayRequest(Struct, frozen=True, kw_only=True):
    """How to pay and where to send it; all of it may be left out."""

    address: Annotated[str, Meta(max_length=32)] = ""
    """One of the buyer's; empty: the one chosen before, else the default one."""
    note: Annotated[str, Meta(max_length=2 * MAX_NOTE)] | None = None
    """What the buyer asks of the merchant; null: what was asked before."""
    payer: Annotated[str, Meta(max_length=128)] = ""
    """The buyer's id at the provider: WeChat's openid pays inside WeChat, without one there is a QR code."""


class PayAnswer(Struct, frozen=True):
    """Where to pay."""

    pay_url: str


class OrderList(Struct, frozen=True):
    """A buyer's orders, newest first."""

    orders: list[OrderRow]


class Cancellations(Protocol):
    """Confirmed orders that are taken back before they are shipped."""

    async def cancel(self, order: OrderId, buyer: PersonId, now_ms: int) -> object:
        """Ends the order and has its money go back.

        Raises:
            NotFound: no such order of this buyer.
            Conflict: ``already_shipped``, ``order_not_open``.
        """
        ...


class Payments(Protocol):
    """Our record of payments; see ``adapters.redis_payments``."""

    async def given_back(self, order: OrderId) -> GivenBack | None:
        """What becomes of money that came to nothing for this order, as long as the order is live."""
        ...


class BuyerOrders:
    """One buyer's view over both owners of orders: once SQL has an order, its word counts."""

    def __init__(self, live: OpenOrders, store: OrderStore, payments: Payments) -> None:
        self._live = live
        self._store = store
        self._payments = payments

    async def all(self, buyer: PersonId) -> list[OrderRow]:
        """Newest first."""
        cards = await self._live.of_buyer(buyer)
        stored = await self._store.of_buyer(buyer)
        known = {row.order for row in stored}
        fresh = [card for card in cards if card.order not in known]
        names = await self._store.names(fresh)
        back = [await self._given_back(card) for card in fresh]
        rows = [*stored, *(row_of(card, names, late) for card, late in zip(fresh, back, strict=True))]
        return sorted(rows, key=lambda row: row.created_ms, reverse=True)

    async def is_stored(self, order: OrderId) -> bool:
        """Whether SQL has the order, so that its word counts."""
        return await self._store.find(order) is not None

    async def one(self, order: OrderId, buyer: PersonId) -> OrderRow:
        """One order of this buyer.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        found = await self._find(order, buyer)
        if isinstance(found, OrderRow):
            return found
        return row_of(found, await self._store.names([found]), await self._given_back(found))

    async def bill(self, order: OrderId, buyer: PersonId) -> OrderRow:
        """The same for the till, which asks for nobody's name: rooms and brands of live orders have none.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        found = await self._find(order, buyer)
        return found if isinstance(found, OrderRow) else row_of(found, Names(rooms={}, shops={}))

    async def _find(self, order: OrderId, buyer: PersonId) -> OrderRow | OrderCard:
        live = await self._live.find(order)
        stored = await self._store.find(order)
        if stored is not None and stored[0] == buyer:
            return stored[1]
        if live is None or live.buyer != buyer:
            raise NotFound("order_not_found")
        return live.card

    async def _given_back(self, card: OrderCard) -> GivenBack | None:
        """What became of money that came for an order that had ended."""
        ended = card.state in ENDED
        return await self._payments.given_back(OrderId(card.order)) if ended else None


def order_routes(
    orders: BuyerOrders,
    live: OpenOrders,
    cashier: Cashier,
    refunds: Cancellations,
    deliveries: DeliveryDesk,
    door: Door,
    clock: Clock,
    public_url: str,
) -> list[BaseRoute]:
    """``/api/orders``."""

    async def list_orders(request: Request) -> Answer[OrderList]:
        """Everything that one has bought, or holds and may still pay."""
        person = await door.signed_in(request)
        return answer(OrderList(await orders.all(PersonId(person.person))))

    async def show_order(request: Request) -> Answer[OrderRow]:
        """One order of one's own."""
        person = await door.signed_in(request)
        return answer(await orders.one(_order(request), PersonId(person.person)))

    async def pay(request: Request) -> Answer[PayAnswer]:
        """Begins to pay, or goes on: where to pay it, and where it goes."""
        person = await door.signed_in(request)
        order, buyer = _order(request), PersonId(person.person)
        row = await orders.bill(order, buyer)
        wanted = await read(request, PayRequest)
        if row.order_state == "awaiting_payment":
            await deliveries.settle(order, buyer, wanted.address, wanted.note, row.address_needed, clock())
        back = f"{public_url}/orders/{order}"
        title = row.title.get("zh-CN") or next(iter(row.title.values()))
        return answer(PayAnswer(await cashier.pay(order, buyer, row.currency, title, back, wanted.payer)))

    async def cancel_order(request: Request) -> Answer[OrderRow]:
        """Gives up an unpaid order, or has the money of an unshipped one come back."""
        person = await door.signed_in(request)
        order, buyer = _order(request), PersonId(person.person)
        if await orders.is_stored(order):
            await refunds.cancel(order, buyer, clock())
        else:
            await live.cancel(order, buyer)
        return answer(await orders.one(order, buyer))

    api, one = Resource("orders", SIGNED_IN), "/api/orders/{order}"
    missing: Refusals = {NotFound: ["order_not_found"]}
    return [
        api.operation("GET", "/api/orders", list_orders, OrderList),
        api.operation("GET", one, show_order, OrderRow, refuses=missing),
        api.operation(
            "POST",
            f"{one}/pay",
            pay,
            PayAnswer,
            takes=PayRequest,
            refuses={
                **missing,
                Invalid: ["note_too_long"],
                Conflict: ["address_missing", "already_paid", "order_over", "payment_refused"],
                Unavailable: ["payment_unavailable", "not_durable"],
            },
        ),
        api.operation(
            "POST",
            f"{one}/cancel",
            cancel_order,
            OrderRow,
            refuses={
                **missing,
                Conflict: ["already_paid", "already_shipped", "order_not_open", "not_refundable"],
            },
        ),
    ]


def _order(request: Request) -> OrderId:
    order = request.path_params["order"]
    if not is_id(order):
        raise NotFound("order_not_found")
    return OrderId(order)
